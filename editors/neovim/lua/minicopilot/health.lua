--- :checkhealth minicopilot

local options = require("minicopilot.options")
local program = require("minicopilot.program")

local M = {}

local health = vim.health

---@param cmd string[]
---@return boolean? is_good
local function check_program(cmd)
  local path = vim.fn.exepath(cmd[1])
  if path == "" then
    health.error(("`%s` is not an executable on $PATH"):format(cmd[1]), {
      "Unpack a release over ~/.local, or run `cargo build --release` in minicopilot's repository",
      'Or set its path: require("minicopilot").setup({ cmd = { "/path/to/minicopilot", "serve" } })',
    })
    return
  end
  local version, problem = program.version(cmd)
  if not version then
    health.error(problem, { "`" .. path .. "` is not minicopilot, or was built for another system" })
    return
  end
  health.ok(("%s (%s)"):format(version, path))
  local model
  model, problem = program.model(cmd)
  if model then
    health.ok("model: " .. model)
    return true
  end
  health.error(problem)
end

local function check_servers()
  local clients = vim.lsp.get_clients({ name = "minicopilot" })
  if #clients == 0 and #vim.lsp.get_clients({ name = "minicopilot", _uninitialized = true }) > 0 then
    health.warn("the server has stopped and will not be restarted automatically", { "`:Minicopilot restart`" })
  elseif #clients == 0 then
    health.info("no server is running: it starts with the first Python buffer")
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_count(client.attached_buffers)
    local text = "server %d is attached to %d buffer(s), positions in %s, folder: %s"
    health.ok(text:format(client.id, buffers, client.offset_encoding, client.root_dir or "none"))
  end
end

--- Reports Python buffers that are off or have no server.
---@param is_expected boolean? whether they should have one
local function check_buffers(is_expected)
  if vim.g.minicopilot == false then
    health.warn("off everywhere", { "`:Minicopilot toggle all`" })
  end
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local is_python = vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == "python"
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ":~:.")
    if is_python and vim.b[buffer].minicopilot == false then
      health.warn(("off in %s"):format(name), { "Run `:Minicopilot toggle` there to turn it on" })
    elseif is_python and is_expected and #vim.lsp.get_clients({ name = "minicopilot", bufnr = buffer }) == 0 then
      health.warn(
        ("no server for %s"):format(name),
        { "`:Minicopilot restart`; `:Minicopilot log` may show the cause" }
      )
    end
  end
end

local function check_options()
  local wanted = options.current
  if vim.fn.exists("&autocomplete") == 1 and vim.o.autocomplete and wanted.popup then
    health.ok("Neovim's 'autocomplete' opens the list")
  elseif wanted.popup then
    health.ok("the list opens while typing")
  else
    health.info("the list opens on request (option `popup`): by CTRL-X CTRL-O or another plugin")
  end
  if wanted.popup and (package.loaded["blink.cmp"] or package.loaded["cmp"]) then
    health.warn(
      "blink.cmp or nvim-cmp is also loaded: two lists may open",
      { "Use setup({ popup = false }): that plugin sends the requests itself" }
    )
  end
  if not wanted.ghost_text then
    health.info("ghost text is off (option `ghost_text`)")
  else
    health.ok(
      ("ghost text; %s accepts the line, %s a word"):format(wanted.keys.line or "no key", wanted.keys.word or "no key")
    )
  end
end

function M.check()
  health.start("minicopilot")
  if vim.fn.has("nvim-0.11") == 0 then
    health.error("Neovim 0.11 or newer is needed", { "Update Neovim, or see docs/editors.md for an older one" })
    return
  end
  health.ok("Neovim " .. tostring(vim.version()))
  if not vim.lsp.is_enabled("minicopilot") then
    health.warn("not enabled", { '`:lua vim.lsp.enable("minicopilot")`' })
  end
  local is_good = check_program(options.current.cmd)
  check_servers()
  check_buffers(is_good)
  check_options()
end

return M
