--- Shared by both implementations of ghost text: the first word, and insertion at the cursor.

local M = {}

--- The first word of a text, or the punctuation before it, with leading whitespace.
---@param text string
---@return string
function M.first(text)
  return text:match("^%s*[%w_\128-\255]+") or text:match("^%s*[^%w_%s\128-\255]+") or text
end

--- Inserts text into the current buffer, and moves the cursor after it.
---@param row integer from 0
---@param column integer
---@param replaced integer number of bytes that it replaces
---@param text string
function M.insert(row, column, replaced, text)
  vim.api.nvim_buf_set_text(0, row, column, row, column + replaced, { text })
  vim.api.nvim_win_set_cursor(0, { row + 1, column + #text })
end

return M
