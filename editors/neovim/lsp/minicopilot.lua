-- How Neovim starts the server; setup() and vim.lsp.config("minicopilot", …) override it key by key.

---@type vim.lsp.Config
return {
  cmd = { "minicopilot", "serve" },
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git" },
}
