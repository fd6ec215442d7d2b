-- How Neovim starts the server; vim.lsp.config("minicopilot", …) overrides it key by key. The command is setup's: the
-- process is looked after by the plugin.

---@type vim.lsp.Config
return {
  cmd = function(dispatchers, config)
    return require("minicopilot.server").spawn(dispatchers, config)
  end,
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git" },
}
