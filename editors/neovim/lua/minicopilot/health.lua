--- :checkhealth minicopilot

local M = {}

local health = vim.health

--- Runs the server's program with other arguments; its standard output, or nil after reporting what went wrong.
---@param command string[]
---@return string?
local function output(command)
  local started, run = pcall(vim.system, command, { text = true })
  local result = started and run:wait(10000)
  if result and result.code == 0 then
    return vim.trim(result.stdout)
  end
  local cause = result and vim.trim(result.stderr) or tostring(run)
  health.error(("`%s` failed: %s"):format(table.concat(command, " "), cause))
end

--- The command that describes the model which `cmd` serves.
---@param cmd string[]
---@return string[]
local function info_command(cmd)
  local command = vim.tbl_filter(function(argument)
    return argument ~= "--stdio"
  end, cmd)
  for index, argument in ipairs(command) do
    if argument == "serve" then
      command[index] = "info"
    end
  end
  return vim.list_extend(command, { "--json" })
end

---@param cmd string[]
local function check_binary(cmd)
  local path = vim.fn.exepath(cmd[1])
  if path == "" then
    health.error(("`%s` is not an executable on $PATH"):format(cmd[1]), {
      "Build it with `cargo install --path .` in minicopilot's folder",
      'Or name it: require("minicopilot").setup({ cmd = { "/path/to/minicopilot", "serve" } })',
    })
    return
  end
  local version = output({ path, "--version" })
  if version then
    health.ok(("%s (%s)"):format(version, path))
  end
  local info = output(info_command(cmd))
  if not info then
    return
  end
  local decoded, checkpoint = pcall(vim.json.decode, info)
  if not decoded then
    health.error("`minicopilot info --json` printed something else than JSON")
    return
  end
  local model = checkpoint.model
  health.ok(
    ("model: %s, %d parameters, vocabulary of %d"):format(
      model.architecture,
      model.parameters,
      model.vocabulary_size
    )
  )
end

local function check_clients()
  local clients = vim.lsp.get_clients({ name = "minicopilot" })
  if #clients == 0 then
    health.info("no Python buffer is open: the server starts with the first one")
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_count(client.attached_buffers)
    health.ok(("server %d is attached to %d buffer(s), positions in %s"):format(client.id, buffers, client.offset_encoding))
  end
end

function M.check()
  health.start("minicopilot")
  if vim.fn.has("nvim-0.11") == 0 then
    health.error("Neovim 0.11 or newer is needed", { "Update Neovim" })
    return
  end
  health.ok("Neovim " .. tostring(vim.version()))
  if not vim.lsp.is_enabled("minicopilot") then
    health.warn("the server is not enabled", { 'Call vim.lsp.enable("minicopilot")' })
  end
  check_binary(vim.lsp.config.minicopilot.cmd --[[@as string[] ]])
  check_clients()
end

return M
