--- Ghost text, the likely rest of the line behind the cursor: Neovim's own where it has it, else ours.

local M = {}

---@return boolean whether Neovim has ghost text of its own
function M.is_native()
  return vim.lsp.inline_completion ~= nil
end

---@return table
local function kind()
  return require(M.is_native() and "minicopilot.ghost.native" or "minicopilot.ghost.own")
end

---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  -- A user's or a colour scheme's own definition stays.
  vim.api.nvim_set_hl(0, "MinicopilotGhost", { link = "Comment", default = true })
  kind().attach(client, buffer)
end

---@param buffer integer
function M.detach(buffer)
  kind().detach(buffer)
end

--- Takes over what is shown at the cursor, or its first word.
---@param part "line"|"word"
---@return boolean whether anything is shown; the text changes right after
function M.accept(part)
  return kind().accept(part, require("minicopilot.popup").is_done)
end

return M
