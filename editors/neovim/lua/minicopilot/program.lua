--- The program's version and model, queried on its command line.

local M = {}

--- Runs a command. Returns its standard output, or nil and the problem.
---@param command string[]
---@return string? output
---@return string? problem
local function output(command)
  local started, run = pcall(vim.system, command, { text = true })
  local result = started and run:wait(10000)
  if result and result.code == 0 then
    return vim.trim(result.stdout)
  end
  local cause = result and vim.trim(result.stderr) or tostring(run)
  return nil, ("`%s` failed: %s"):format(table.concat(command, " "), cause)
end

--- The command that describes the model that `cmd` serves.
---@param cmd string[]
---@return string[]
local function info_command(cmd)
  local command, is_file = {}, false
  for _, argument in ipairs(cmd) do
    -- Options that only `serve` accepts are left out.
    local is_left_out = is_file or argument == "--stdio" or argument == "--log"
    is_file = argument == "--log"
    if not is_left_out then
      table.insert(command, argument == "serve" and "info" or argument)
    end
  end
  return vim.list_extend(command, { "--json" })
end

---@param cmd string[]
---@return string? version
---@return string? problem
function M.version(cmd)
  return output({ cmd[1], "--version" })
end

--- The model in one line.
---@param cmd string[]
---@return string? model
---@return string? problem
function M.model(cmd)
  local info, problem = output(info_command(cmd))
  if not info then
    return nil, problem
  end
  local decoded, checkpoint = pcall(vim.json.decode, info)
  local model = decoded and vim.tbl_get(checkpoint, "model")
  if not model then
    return nil, "`minicopilot info --json` printed unexpected output"
  end
  return ("%s, %d parameters, vocabulary of %d"):format(model.architecture, model.parameters, model.vocabulary_size)
end

return M
