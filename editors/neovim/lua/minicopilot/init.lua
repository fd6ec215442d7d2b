--- Python code completion from a small network that runs on this machine.
---
--- Owns: the options, and the popup while typing. Neovim's own LSP client does the rest: it starts the server
--- (lsp/minicopilot.lua), shows the list and inserts what is accepted.

local M = {}

---@class minicopilot.Options
---@field cmd? string[] Command that starts the server. Default: { "minicopilot", "serve" }
---@field popup? boolean Show the list while typing. Turn it off where blink.cmp, nvim-cmp or your own mapping asks.
---@field settings? table<string, any> The server's settings, such as { maxItems = 5 }; see |minicopilot-settings|.

---@type minicopilot.Options
local options = { popup = true }

--- Whether the cursor stands behind a word or number that is being typed. Any byte of a multibyte character counts:
--- Python's names may be in any script.
---@return boolean
local function typing_a_word()
  local column = vim.api.nvim_win_get_cursor(0)[2]
  return vim.api.nvim_get_current_line():sub(column, column):find("[%w_\128-\255]") ~= nil
end

--- Opens the list while a word is typed, in one buffer.
---
--- Neovim itself asks the server at its trigger characters only, and again with each character once a list is open.
---@param buffer integer
local function popup_while_typing(buffer)
  local group = vim.api.nvim_create_augroup("minicopilot." .. buffer, { clear = true })
  local accepted = -1 -- the buffer's state that accepting a candidate left: its word is done
  vim.api.nvim_create_autocmd("CompleteDone", {
    group = group,
    buffer = buffer,
    desc = "minicopilot: remember what was accepted",
    callback = function()
      if vim.v.event.reason == "accept" then
        accepted = vim.api.nvim_buf_get_changedtick(buffer)
      end
    end,
  })
  vim.api.nvim_create_autocmd("TextChangedI", {
    group = group,
    buffer = buffer,
    desc = "minicopilot: complete the word being typed",
    callback = function()
      if vim.api.nvim_buf_get_changedtick(buffer) ~= accepted and typing_a_word() then
        vim.lsp.completion.get()
      end
    end,
  })
end

---@param client vim.lsp.Client
---@param buffer integer
local function attach(client, buffer)
  vim.lsp.completion.enable(true, client.id, buffer, { autotrigger = options.popup })
  if not options.popup then
    return
  end
  vim.api.nvim_buf_call(buffer, function()
    -- Typing must never insert a candidate that nobody chose: neither on opening the list nor with Enter.
    vim.opt_local.completeopt:append({ "menuone", "noselect" })
  end)
  popup_while_typing(buffer)
end

--- Starts the server for Python buffers. Called by plugin/minicopilot.lua.
function M.enable()
  vim.api.nvim_create_autocmd("LspAttach", {
    group = vim.api.nvim_create_augroup("minicopilot", { clear = true }),
    desc = "minicopilot: completion in this buffer",
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == "minicopilot" then
        attach(client, event.buf)
      end
    end,
  })
  vim.lsp.enable("minicopilot")
end

--- Changes the defaults. Optional; before or after the plugin is loaded, but before the first Python buffer is opened.
---@param changes? minicopilot.Options
function M.setup(changes)
  vim.validate("options", changes, "table", true)
  options = vim.tbl_extend("force", options, changes or {})
  vim.validate("cmd", options.cmd, "table", true)
  vim.validate("popup", options.popup, "boolean")
  vim.validate("settings", options.settings, "table", true)
  vim.lsp.config("minicopilot", { cmd = options.cmd, init_options = options.settings })
end

return M
