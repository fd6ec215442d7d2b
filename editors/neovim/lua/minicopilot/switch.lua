--- On and off: `vim.b.minicopilot = false` turns a buffer off, and `vim.g.minicopilot = false` turns all of them off.
--- The server stays attached, because Neovim loses track of a buffer that changes while no server is.

local M = {}

---@param buffer integer
---@return boolean
function M.is_off(buffer)
  return vim.g.minicopilot == false or vim.b[buffer].minicopilot == false
end

--- Turns a buffer off or on.
---@param buffer integer
---@return boolean is_on
function M.toggle_buffer(buffer)
  vim.b[buffer].minicopilot = vim.b[buffer].minicopilot == false
  return vim.b[buffer].minicopilot
end

--- Turns all buffers off, or those on that are not off themselves.
---@return boolean is_on
function M.toggle_all()
  vim.g.minicopilot = vim.g.minicopilot == false
  return vim.g.minicopilot
end

return M
