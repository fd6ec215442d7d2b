--- What both kinds of ghost text need to take over a part of it.

local M = {}

--- The first word of a text, or the signs before it, with the blanks in front.
---@param text string
---@return string
function M.first(text)
  return text:match("^%s*[%w_\128-\255]+") or text:match("^%s*[^%w_%s\128-\255]+") or text
end

--- Puts text into the current buffer, and the cursor behind it.
---@param row integer from 0
---@param column integer
---@param replaced integer bytes that it takes the place of
---@param text string
function M.insert(row, column, replaced, text)
  vim.api.nvim_buf_set_text(0, row, column, row, column + replaced, { text })
  vim.api.nvim_win_set_cursor(0, { row + 1, column + #text })
end

return M
