-- A user of Neovim 0.12's own completion while typing.

if vim.fn.exists("&autocomplete") == 1 then
  vim.o.autocomplete = true
end
dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/init.lua")
