-- How Neovim starts the server; setup() and vim.lsp.config("minicopilot", …) override it key by key.

---@type vim.lsp.Config
return {
  cmd = function(dispatchers, config)
    return require("minicopilot.server").spawn(dispatchers, config)
  end,
  filetypes = { "python" },
  root_dir = function(buffer, on_dir)
    require("minicopilot.server").root_dir(buffer, on_dir)
  end,
}
