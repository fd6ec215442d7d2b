--- Python code completion from a small network that runs on this machine.
---
--- The functions that a configuration may call, and what is attached to a buffer together with the server. Neovim's own
--- LSP client starts the server (lsp/minicopilot.lua), communicates with it, shows the list and inserts accepted items.

local ghost = require("minicopilot.ghost")
local keys = require("minicopilot.keys")
local options = require("minicopilot.options")
local popup = require("minicopilot.popup")
local server = require("minicopilot.server")

local M = {}

---@param client vim.lsp.Client
---@param buffer integer
local function attach(client, buffer)
  local wanted = options.current
  popup.attach(client, buffer, wanted.popup)
  if wanted.ghost_text then
    ghost.attach(client, buffer)
    keys.attach(buffer, wanted.keys)
  end
  server.has_started(client)
end

---@param event "LspAttach"|"LspDetach"
---@param description string
---@param callback fun(client: vim.lsp.Client, buffer: integer)
local function on(event, description, callback)
  vim.api.nvim_create_autocmd(event, {
    group = vim.api.nvim_create_augroup("minicopilot." .. event, { clear = true }),
    desc = "minicopilot: " .. description,
    callback = function(arguments)
      local client = vim.lsp.get_client_by_id(arguments.data.client_id)
      if client and client.name == "minicopilot" then
        callback(client, arguments.buf)
      end
    end,
  })
end

--- Starts the server for Python buffers. Called by plugin/minicopilot.lua.
function M.enable()
  on("LspAttach", "complete in this buffer", attach)
  on("LspDetach", "stop completing in this buffer", function(client, buffer)
    popup.detach(client.id, buffer)
    ghost.detach(buffer)
  end)
  vim.lsp.enable("minicopilot")
end

--- Changes the defaults. Optional. Call it before the first Python buffer is opened.
---@param changes? minicopilot.Options
function M.setup(changes)
  options.change(changes)
  vim.lsp.config("minicopilot", { init_options = options.current.settings })
end

--- Accepts the ghost text, or its first word; for your own mappings.
---@param part? "line"|"word"
---@return boolean whether any was shown
function M.accept(part)
  return ghost.accept(part or "line")
end

return M
