-- Loaded by Neovim at startup, after which every Python buffer gets the server. No call is needed.

if vim.g.loaded_minicopilot then
  return
end
vim.g.loaded_minicopilot = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.notify("minicopilot: this plugin needs Neovim 0.11 or newer", vim.log.levels.ERROR)
  return
end

require("minicopilot.command").create()
require("minicopilot").enable()
