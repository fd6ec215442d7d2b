-- A user of basedpyright who has Neovim's completion on for it.

vim.lsp.config("basedpyright", { cmd = { vim.env.BASEDPYRIGHT, "--stdio" }, filetypes = { "python" } })
vim.lsp.enable("basedpyright")
vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "basedpyright" then
      vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
    end
  end,
})
dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/init.lua")
