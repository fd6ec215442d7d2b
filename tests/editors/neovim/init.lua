-- The configuration of a user who did nothing but install the plugin. OPTIONS are Lua, for those who did more.

vim.o.swapfile = false
vim.opt.runtimepath:prepend(vim.env.PLUGIN)
local options = assert(loadstring("return " .. (vim.env.OPTIONS or "{}")))()
require("minicopilot").setup(vim.tbl_extend("keep", options, { cmd = { vim.env.MINICOPILOT, "serve" } }))
