-- A user who has turned on Neovim's own ghost text, where there is any.

if vim.lsp.inline_completion then
  vim.lsp.inline_completion.enable()
end
dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/init.lua")
