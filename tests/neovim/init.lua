-- The configuration of a user who did nothing but install the plugin.

vim.o.swapfile = false
vim.opt.runtimepath:prepend(vim.env.PLUGIN)
require("minicopilot").setup({ cmd = { vim.env.MINICOPILOT, "serve" } })
