-- The LSP configuration of the server; vim.lsp.config("minicopilot", …) overrides single keys. The plugin starts and
-- restarts the process, with the command that was given to setup().

---@type vim.lsp.Config
return {
  cmd = function(dispatchers, config)
    return require("minicopilot.server").spawn(dispatchers, config)
  end,
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git" },
}
