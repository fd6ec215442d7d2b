--- The list while typing. Neovim's own completion queries the servers, shows the list and inserts the accepted item.

local switch = require("minicopilot.switch")

local M = {}

--- By buffer, the changedtick at which an item was accepted: its word is complete.
---@type table<integer, integer>
local accepted = {}

--- Opens no list for the current text, because it was just accepted.
---@param buffer integer
function M.is_done(buffer)
  accepted[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
end

--- Whether the cursor is after a word or number. Any byte of a multibyte character counts, since Python names may be in
--- any script.
---@return boolean
local function typing_a_word()
  local column = vim.api.nvim_win_get_cursor(0)[2]
  return vim.api.nvim_get_current_line():sub(column, column):find("[%w_\128-\255]") ~= nil
end

--- Neovim queries the server only at its trigger characters, and with each character once a list is open.
---@param buffer integer
local function ask_while_a_word_is_typed(buffer)
  local group = vim.api.nvim_create_augroup("minicopilot.popup." .. buffer, { clear = true })
  vim.api.nvim_create_autocmd("CompleteDone", {
    group = group,
    buffer = buffer,
    desc = "minicopilot: remember what was accepted",
    callback = function()
      if vim.v.event.reason == "accept" then
        M.is_done(buffer)
      end
    end,
  })
  vim.api.nvim_create_autocmd("TextChangedI", {
    group = group,
    buffer = buffer,
    desc = "minicopilot: complete the word being typed",
    callback = function()
      local is_new = vim.api.nvim_buf_get_changedtick(buffer) ~= accepted[buffer]
      if is_new and typing_a_word() and not switch.is_off(buffer) then
        vim.lsp.completion.get()
      end
    end,
  })
end

--- Our items first, each server's in its own order. Neovim 0.12 sorts with this if several servers answer.
local function ours_first(a, b)
  local function rank(item)
    local said = vim.tbl_get(item, "user_data", "nvim", "lsp") or {}
    local client = said.client_id and vim.lsp.get_client_by_id(said.client_id)
    local candidate = said.completion_item or {}
    return client and client.name == "minicopilot" and 0 or 1, candidate.sortText or candidate.label or item.word
  end
  local first, a_text = rank(a)
  local second, b_text = rank(b)
  if first ~= second then
    return first < second
  end
  return a_text < b_text
end

--- Whether Neovim 0.12 queries the servers itself, with each character.
---@return boolean
local function is_automatic()
  return vim.fn.exists("&autocomplete") == 1 and vim.o.autocomplete
end

---@param client vim.lsp.Client
---@param buffer integer
---@param is_wanted boolean whether the list opens while typing, rather than on request
function M.attach(client, buffer, is_wanted)
  vim.lsp.completion.enable(true, client.id, buffer, { autotrigger = is_wanted, cmp = ours_first })
  if not is_wanted then
    return
  end
  vim.api.nvim_buf_call(buffer, function()
    -- Typing must never insert an item that the user did not select, neither when the list opens nor with Enter.
    vim.opt_local.completeopt:append({ "menuone", "noselect" })
    if not is_automatic() then
      ask_while_a_word_is_typed(buffer)
    elseif not vim.list_contains(vim.opt_local.complete:get(), "o") then
      -- Neovim queries the sources in this option; "o" stands for the servers.
      vim.opt_local.complete:prepend("o")
    end
  end)
end

---@param client_id integer
---@param buffer integer
function M.detach(client_id, buffer)
  -- Otherwise Neovim 0.11 would query a server that has stopped, and wait for it forever.
  vim.lsp.completion.enable(false, client_id, buffer)
  pcall(vim.api.nvim_del_augroup_by_name, "minicopilot.popup." .. buffer)
  accepted[buffer] = nil
end

return M
