--- Ghost text, the likely rest of the line behind the cursor: ours, or Neovim's own where a user has turned that on.
---
--- Ours is the default with Neovim 0.12 too. Neovim's waits 200 ms after the last key, and until then goes on showing
--- what it showed, whether or not that fits what is typed.

local M = {}

--- The kind in each buffer that has ghost text.
---@type table<integer, table>
local kinds = {}

---@param buffer integer
---@return boolean whether Neovim itself shows ghost text in it
function M.is_native(buffer)
  return vim.lsp.inline_completion ~= nil and vim.lsp.inline_completion.is_enabled({ bufnr = buffer })
end

---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  -- A user's or a colour scheme's own definition stays.
  vim.api.nvim_set_hl(0, "MinicopilotGhost", { link = "Comment", default = true })
  kinds[buffer] = require(M.is_native(buffer) and "minicopilot.ghost.native" or "minicopilot.ghost.own")
  kinds[buffer].attach(client, buffer)
end

---@param buffer integer
function M.detach(buffer)
  if kinds[buffer] then
    kinds[buffer].detach(buffer)
    kinds[buffer] = nil
  end
end

--- Takes over what is shown at the cursor, or its first word.
---@param part "line"|"word"
---@return boolean whether anything is shown; the text changes right after
function M.accept(part)
  local kind = kinds[vim.api.nvim_get_current_buf()]
  return kind ~= nil and kind.accept(part, require("minicopilot.popup").is_done)
end

return M
