-- A user who has mapped <Tab>.

vim.keymap.set("i", "<Tab>", "[tab]")
dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/init.lua")
