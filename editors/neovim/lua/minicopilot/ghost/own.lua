--- Our own ghost text: an extmark that shows the rest of the line after the cursor.

local words = require("minicopilot.ghost.words")

local M = {}

local METHOD = "textDocument/inlineCompletion"
local namespace = vim.api.nvim_create_namespace("minicopilot.ghost")

---@class minicopilot.Ghost
---@field buffer integer
---@field row integer from 0
---@field column integer the cursor's byte
---@field text string the text after the cursor
---@field after integer bytes after the cursor that it replaces: closing brackets that the editor has inserted

---@type minicopilot.Ghost?
local shown

local function hide()
  if shown and vim.api.nvim_buf_is_valid(shown.buffer) then
    vim.api.nvim_buf_clear_namespace(shown.buffer, namespace, 0, -1)
  end
  shown = nil
end

---@param ghost minicopilot.Ghost
local function show(ghost)
  hide()
  local line = vim.api.nvim_get_current_line()
  local after = line:sub(ghost.column + 1, ghost.column + ghost.after)
  -- Brackets that are already there are not shown twice.
  local text = vim.endswith(ghost.text, after) and ghost.text:sub(1, #ghost.text - #after) or ghost.text
  if text == "" then
    return
  end
  shown = ghost
  vim.api.nvim_buf_set_extmark(ghost.buffer, namespace, ghost.row, ghost.column, {
    virt_text = { { text, "MinicopilotGhost" } },
    virt_text_pos = "inline",
    hl_mode = "combine",
  })
end

--- The ghost text at the cursor, without the characters that were typed since it was shown.
---@param buffer integer
---@return minicopilot.Ghost?
local function here(buffer)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  if not shown or shown.buffer ~= buffer or shown.row ~= row - 1 or column < shown.column then
    return nil
  end
  local typed = vim.api.nvim_get_current_line():sub(shown.column + 1, column)
  if not vim.startswith(shown.text, typed) then
    return nil
  end
  return vim.tbl_extend("force", shown, { column = column, text = shown.text:sub(#typed + 1) })
end

--- The server's answer as ghost text at the cursor.
---@param buffer integer
---@param client vim.lsp.Client
---@param item table lsp.InlineCompletionItem
---@return minicopilot.Ghost
local function at_the_cursor(buffer, client, item)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local line = vim.api.nvim_get_current_line()
  local from = vim.str_byteindex(line, client.offset_encoding, item.range.start.character, false)
  local to = vim.str_byteindex(line, client.offset_encoding, item.range["end"].character, false)
  -- The answer starts with the typed prefix.
  local text = item.insertText:sub(column - from + 1)
  return { buffer = buffer, row = row - 1, column = column, text = text, after = to - column }
end

---@type table<integer, string> the place of the last request in each buffer
local asked = {}

---@param buffer integer the current one
---@return string
local function place_of(buffer)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  return ("%d:%d:%d"):format(vim.api.nvim_buf_get_changedtick(buffer), row, column)
end

---@param buffer integer
---@param client_id integer
local function ask(buffer, client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  local place = place_of(buffer)
  if not client or asked[buffer] == place then
    return -- typing a character causes two events: the text changes and the cursor moves
  end
  asked[buffer] = place
  local going_on = here(buffer)
  if going_on then
    show(going_on)
  else
    hide()
  end
  local parameters = vim.lsp.util.make_position_params(0, client.offset_encoding)
  parameters.context = { triggerKind = 2 } -- automatic
  ---@diagnostic disable-next-line: param-type-mismatch (Neovim 0.11 does not know the method)
  client:request(METHOD, parameters, function(problem, result)
    -- A request that a later key has superseded is answered with nothing.
    local is_elsewhere = vim.api.nvim_get_current_buf() ~= buffer or place_of(buffer) ~= place
    if problem or is_elsewhere then
      return
    end
    local item = type(result) == "table" and (result.items or result)[1]
    if item and vim.api.nvim_get_mode().mode:sub(1, 1) == "i" then
      show(at_the_cursor(buffer, client, item))
    else
      hide()
    end
  end, buffer)
end

---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  local group = vim.api.nvim_create_augroup("minicopilot.ghost." .. buffer, { clear = true })
  vim.api.nvim_create_autocmd({ "InsertEnter", "TextChangedI", "TextChangedP", "CursorMovedI" }, {
    group = group,
    buffer = buffer,
    desc = "minicopilot: the rest of the line",
    callback = function(event)
      if event.event == "InsertEnter" then
        asked[buffer] = nil
      end
      ask(buffer, client.id)
    end,
  })
  vim.api.nvim_create_autocmd({ "InsertLeave", "BufLeave" }, {
    group = group,
    buffer = buffer,
    desc = "minicopilot: no ghost text outside insert mode",
    callback = function()
      asked[buffer] = nil
      hide()
    end,
  })
end

---@param buffer integer
function M.detach(buffer)
  pcall(vim.api.nvim_del_augroup_by_name, "minicopilot.ghost." .. buffer)
  asked[buffer] = nil
  hide()
end

--- Accepts the ghost text at the cursor.
---@param part "line"|"word"
---@param done fun(buffer: integer) called when the buffer has changed
---@return boolean whether any is shown
function M.accept(part, done)
  local ghost = here(vim.api.nvim_get_current_buf())
  if not ghost then
    return false
  end
  -- Scheduled, since an <expr> mapping must not change the buffer.
  vim.schedule(function()
    local text = part == "word" and words.first(ghost.text) or ghost.text
    -- Accepting the last word accepts everything, including the closing brackets.
    local replaced = text == ghost.text and ghost.after or 0
    hide()
    words.insert(ghost.row, ghost.column, replaced, text)
    -- The rest can be accepted at once, before the server answers.
    local rest = { column = ghost.column + #text, text = ghost.text:sub(#text + 1) }
    show(vim.tbl_extend("force", ghost, rest))
    done(ghost.buffer)
  end)
  return true
end

return M
