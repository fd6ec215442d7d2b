--- On and off. Off means detached: the server forgets the buffer, and no way of completing asks it.

local M = {}

local function clients(buffer)
  return vim.lsp.get_clients({ name = "minicopilot", bufnr = buffer })
end

---@param buffer integer
---@return boolean
function M.is_on(buffer)
  return #clients(buffer) > 0
end

--- Turns a buffer off, or on again. `vim.b.minicopilot` remembers it, and may be set by a user.
---@param buffer integer
---@return boolean is_on
function M.toggle_buffer(buffer)
  if M.is_on(buffer) then
    vim.b[buffer].minicopilot = false
    for _, client in ipairs(clients(buffer)) do
      vim.lsp.buf_detach_client(buffer, client.id)
    end
    return false
  end
  vim.b[buffer].minicopilot = true
  vim.lsp.enable("minicopilot")
  return true
end

--- Ends the server, or starts it for all Python buffers that are not off themselves.
---@return boolean is_on
function M.toggle_all()
  local is_on = not vim.lsp.is_enabled("minicopilot")
  vim.lsp.enable("minicopilot", is_on)
  return is_on
end

return M
