--- Neovim 0.12's ghost text, vim.lsp.inline_completion: it sends a request 200 ms after the last key.

local words = require("minicopilot.ghost.words")

local M = {}

--- The rest of the ghost text after a word was accepted, until Neovim shows it again: the next key may come earlier.
---@type { buffer: integer, tick: integer, cursor: integer[], text: string }?
local rest

--- Neovim sends the requests itself.
function M.attach() end

function M.detach()
  rest = nil
end

--- Inserts a text or its first word at the cursor, and remembers the rest.
---@param text string
---@param part "line"|"word"
---@param done fun(buffer: integer)
local function insert(text, part, done)
  local taken = part == "word" and words.first(text) or text
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  -- The whole text includes the closing brackets that the editor has inserted after the cursor.
  local after = vim.api.nvim_get_current_line():sub(column + 1)
  words.insert(row - 1, column, taken == text and vim.endswith(text, after) and #after or 0, taken)
  local buffer = vim.api.nvim_get_current_buf()
  rest = {
    buffer = buffer,
    tick = vim.api.nvim_buf_get_changedtick(buffer),
    cursor = vim.api.nvim_win_get_cursor(0),
    text = text:sub(#taken + 1),
  }
  done(buffer)
end

--- The part of an answer that has not been typed yet: Neovim shows an answer until the next one arrives. nil if
--- something else was typed.
---@param item vim.lsp.inline_completion.Item
---@return string?
local function left_of(item)
  local row, from = item.range:to_extmark()
  local cursor = vim.api.nvim_win_get_cursor(0)
  local typed = vim.api.nvim_get_current_line():sub(from + 1, cursor[2])
  if row == cursor[1] - 1 and vim.startswith(item.insert_text, typed) then
    return item.insert_text:sub(#typed + 1)
  end
end

---@return boolean whether `rest` continues at the cursor
local function goes_on()
  local buffer = vim.api.nvim_get_current_buf()
  return rest ~= nil
    and rest.text ~= ""
    and rest.buffer == buffer
    and rest.tick == vim.api.nvim_buf_get_changedtick(buffer)
    and vim.deep_equal(rest.cursor, vim.api.nvim_win_get_cursor(0))
end

--- Accepts the ghost text at the cursor.
---@param part "line"|"word"
---@param done fun(buffer: integer) called when the buffer has changed
---@return boolean whether any is shown
function M.accept(part, done)
  local is_shown = vim.lsp.inline_completion.get({
    on_accept = function(item)
      local client = vim.lsp.get_client_by_id(item.client_id)
      if not client or client.name ~= "minicopilot" then
        return item
      end
      local text = left_of(item)
      if text then
        insert(text, part, done)
      end
    end,
  })
  if not is_shown and goes_on() then
    local text = rest.text
    vim.schedule(function()
      insert(text, part, done)
    end)
    return true
  end
  return is_shown
end

return M
