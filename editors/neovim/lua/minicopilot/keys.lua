--- The keys that accept ghost text. If none is shown, a key does what it did before, mapped or not.

local M = {}

local DESCRIPTION = "minicopilot: accept the "

--- Keys that do what a key did before we mapped it.
---@param key string
---@return string
local function before(key)
  local mapping = vim.fn.maparg(key, "i", false, true)
  if vim.tbl_isempty(mapping) then
    return key -- not remapped recursively, because the mapping's result starts with it
  end
  -- The mapping with all its flags, under a name that cannot be typed.
  local name = ("<Plug>(minicopilot-%s)"):format(key:gsub("[<>]", ""))
  mapping.lhs, mapping.lhsraw, mapping.lhsrawalt = name, vim.keycode(name), nil
  mapping.buffer, mapping.mode = 1, "i"
  vim.fn.mapset(mapping)
  return name
end

--- <Tab> indents before the first character of a line, where it is rarely meant to accept ghost text.
---@param key string
---@return boolean
local function indents(key)
  local column = vim.api.nvim_win_get_cursor(0)[2]
  return key:lower() == "<tab>" and not vim.api.nvim_get_current_line():sub(1, column):find("%S")
end

---@param key string
---@param part "line"|"word"
local function map(key, part)
  local is_ours = vim.startswith(vim.fn.maparg(key, "i", false, true).desc or "", DESCRIPTION)
  if is_ours then
    return
  end
  local otherwise = before(key)
  vim.keymap.set("i", key, function()
    if indents(key) or not require("minicopilot.ghost").accept(part) then
      return otherwise
    end
    -- Closes an open list without changing the text.
    return vim.fn.pumvisible() == 1 and "<C-x><C-z>" or ""
  end, { buffer = 0, expr = true, remap = true, desc = DESCRIPTION .. part })
end

---@param buffer integer
---@param keys minicopilot.Keys
function M.attach(buffer, keys)
  vim.api.nvim_buf_call(buffer, function()
    for _, part in ipairs({ "line", "word" }) do
      if keys[part] then
        map(keys[part], part)
      end
    end
  end)
end

return M
