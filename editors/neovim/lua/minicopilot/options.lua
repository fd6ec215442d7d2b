--- The user's options and their defaults.

local M = {}

---@class minicopilot.Keys
---@field line? string|false Accepts the ghost text. false: no key
---@field word? string|false Accepts its next word. false: no key

---@class minicopilot.Options
---@field cmd? string[] Starts the server. Default: { "minicopilot", "serve" }
---@field popup? boolean Show the list while typing. Turn it off if blink.cmp, nvim-cmp or your own mapping does
---@field ghost_text? boolean Show the likely rest of the line after the cursor
---@field keys? minicopilot.Keys Keys that accept ghost text; while none is shown they do what they did before
---@field settings? table<string, any> The server's settings, such as { maxItems = 5 }; see |minicopilot-settings|

--- The program: on $PATH, or in the archive or clone that contains this plugin.
---@return string
local function program()
  if vim.fn.executable("minicopilot") == 0 then
    local file = vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2)) or ""
    local plugin = file:gsub("/lua/minicopilot/options%.lua$", "")
    local clone = plugin:match("^(.*)/editors/neovim$")
    local prefix = plugin:match("^(.*)/share/nvim/site/pack/minicopilot/start/minicopilot$")
    local path = clone and clone .. "/target/release/minicopilot" or prefix and prefix .. "/bin/minicopilot"
    if path and vim.fn.executable(path) == 1 then
      return path
    end
  end
  return "minicopilot"
end

---@type minicopilot.Options
local defaults = {
  cmd = { program(), "serve" },
  popup = true,
  ghost_text = true,
  -- Ghost text appears only at the end of a line, where these keys have hardly any other use. <Tab> indents Python.
  keys = { line = "<Right>", word = "<C-Right>" },
}

---@type minicopilot.Options
M.current = defaults

--- Applies a user's changes. Raises an error that names an invalid one.
---@param changes? minicopilot.Options
function M.change(changes)
  vim.validate("options", changes, "table", true)
  local changed = vim.tbl_deep_extend("force", defaults, changes or {})
  vim.validate("cmd", changed.cmd, "table")
  vim.validate("popup", changed.popup, "boolean")
  vim.validate("ghost_text", changed.ghost_text, "boolean")
  vim.validate("keys", changed.keys, "table")
  for name, key in pairs(changed.keys) do
    vim.validate("keys." .. name, key, function(value)
      return (name == "line" or name == "word") and (value == false or type(value) == "string")
    end, 'keys = { line = "<Right>", word = "<C-Right>" }, or false for no key')
  end
  vim.validate("settings", changed.settings, "table", true)
  for name in pairs(changed) do
    if not vim.list_contains({ "cmd", "popup", "ghost_text", "keys", "settings" }, name) then
      error(("minicopilot: unknown option %q; the server's settings go into `settings`"):format(name), 0)
    end
  end
  M.current = changed
end

return M
