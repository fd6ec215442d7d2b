--- On and off: a buffer with `vim.b.minicopilot = false`, or with `vim.g.minicopilot = false` every one, is left alone.
--- The server stays: Neovim loses track of a buffer that is changed while no server is attached to it.

local M = {}

---@param buffer integer
---@return boolean
function M.is_off(buffer)
  return vim.g.minicopilot == false or vim.b[buffer].minicopilot == false
end

--- Turns a buffer off, or on again.
---@param buffer integer
---@return boolean is_on
function M.toggle_buffer(buffer)
  vim.b[buffer].minicopilot = vim.b[buffer].minicopilot == false
  return vim.b[buffer].minicopilot
end

--- Turns every buffer off, or all on again that are not off themselves.
---@return boolean is_on
function M.toggle_all()
  vim.g.minicopilot = vim.g.minicopilot == false
  return vim.g.minicopilot
end

return M
