--- Ghost text, the likely rest of the line after the cursor: ours, or Neovim's own if the user has turned that on.
---
--- Ours is the default in Neovim 0.12 too. Neovim's waits 200 ms after the last key, and until then keeps showing the
--- previous text, even if it does not match what is typed.

local M = {}

--- The implementation used in each buffer that has ghost text.
---@type table<integer, table>
local kinds = {}

---@param buffer integer
---@return boolean whether Neovim shows its own ghost text in it
function M.is_native(buffer)
  return vim.lsp.inline_completion ~= nil and vim.lsp.inline_completion.is_enabled({ bufnr = buffer })
end

---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  -- `default` keeps a definition by the user or the colour scheme.
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

--- Accepts the ghost text at the cursor, or its first word.
---@param part "line"|"word"
---@return boolean whether any is shown; the buffer changes right after
function M.accept(part)
  local kind = kinds[vim.api.nvim_get_current_buf()]
  return kind ~= nil and kind.accept(part, require("minicopilot.popup").is_done)
end

return M
