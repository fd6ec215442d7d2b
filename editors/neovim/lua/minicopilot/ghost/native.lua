--- Ghost text as Neovim 0.12 has it, vim.lsp.inline_completion: it asks 200 ms after the last key and shows the answer.

local words = require("minicopilot.ghost.words")

local M = {}

--- What is left behind a word that was taken over, until Neovim shows it again: keys come faster than that.
---@type { buffer: integer, tick: integer, cursor: integer[], text: string }?
local rest

--- Neovim asks the server by itself.
function M.attach() end

function M.detach()
  rest = nil
end

--- Inserts a text at the cursor, or its first word, and remembers what is left.
---@param text string
---@param part "line"|"word"
---@param done fun(buffer: integer)
local function insert(text, part, done)
  local taken = part == "word" and words.first(text) or text
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  -- Brackets that the editor has closed behind the cursor are a part of the whole text.
  local behind = vim.api.nvim_get_current_line():sub(column + 1)
  words.insert(row - 1, column, taken == text and vim.endswith(text, behind) and #behind or 0, taken)
  local buffer = vim.api.nvim_get_current_buf()
  rest = {
    buffer = buffer,
    tick = vim.api.nvim_buf_get_changedtick(buffer),
    cursor = vim.api.nvim_win_get_cursor(0),
    text = text:sub(#taken + 1),
  }
  done(buffer)
end

--- What an answer adds at the cursor. Neovim shows the last one until the next is there, so that a part of it may have
--- been typed meanwhile; nil if something else was.
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

---@return boolean whether the cursor still stands where `rest` goes on
local function goes_on()
  local buffer = vim.api.nvim_get_current_buf()
  return rest ~= nil
    and rest.text ~= ""
    and rest.buffer == buffer
    and rest.tick == vim.api.nvim_buf_get_changedtick(buffer)
    and vim.deep_equal(rest.cursor, vim.api.nvim_win_get_cursor(0))
end

--- Takes over what is shown at the cursor.
---@param part "line"|"word"
---@param done fun(buffer: integer) called when the text has changed
---@return boolean whether anything is shown
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
