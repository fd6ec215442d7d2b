--- :Minicopilot info

local options = require("minicopilot.options")
local program = require("minicopilot.program")

local M = {}

---@param buffer integer
---@return string
local function state(buffer)
  local client = vim.lsp.get_clients({ name = "minicopilot", bufnr = buffer })[1]
  if vim.g.minicopilot == false then
    return "off everywhere (:Minicopilot toggle all)"
  elseif vim.b[buffer].minicopilot == false then
    return "off (:Minicopilot toggle)"
  elseif client then
    return ("on, server %d in %s"):format(client.id, client.root_dir or "no folder")
  elseif vim.bo[buffer].filetype ~= "python" then
    return "off: not Python"
  end
  return "no server (:checkhealth minicopilot)"
end

--- What the server has indexed of the project; nil if it does not answer within a second.
---@param buffer integer
---@return string?
local function project(buffer)
  local client = vim.lsp.get_clients({ name = "minicopilot", bufnr = buffer })[1]
  ---@diagnostic disable-next-line: param-type-mismatch
  local answer = client and client:request_sync("minicopilot/project", nil, 1000, buffer)
  local read = answer and answer.result
  return read
    and ("%d other files, %d tokens, %.1f MB%s"):format(
      read.files,
      read.tokens,
      read.bytes / 2 ^ 20,
      read.isFull and "; full: some files are not indexed" or ""
    )
end

---@param buffer integer
---@return string
local function ghost_text(buffer)
  local wanted = options.current
  if not wanted.ghost_text then
    return "off"
  end
  local kind = require("minicopilot.ghost").is_native(buffer) and "Neovim's" or "this plugin's"
  return ("on, %s; %s accepts the line, %s a word"):format(
    kind,
    wanted.keys.line or "no key",
    wanted.keys.word or "no key"
  )
end

--- One line per fact: its name and value.
---@param buffer integer
---@return string[]
function M.lines(buffer)
  local cmd = options.current.cmd
  local function value(query)
    local answer, problem = query(cmd)
    return answer or problem
  end
  local entries = {
    { "program", ("%s (%s)"):format(value(program.version), vim.fn.exepath(cmd[1])) },
    { "model", value(program.model) },
    { "this buffer", state(buffer) },
    { "project", project(buffer) },
    { "list", options.current.popup and "opens while typing" or "opens on request" },
    { "ghost text", ghost_text(buffer) },
    { "log", vim.lsp.log.get_filename() },
  }
  local lines = {}
  for index = 1, #entries do
    local name, text = entries[index][1], entries[index][2]
    if text then
      table.insert(lines, ("%-12s %s"):format(name, text))
    end
  end
  return lines
end

function M.show()
  vim.api.nvim_echo({ { table.concat(M.lines(vim.api.nvim_get_current_buf()), "\n") } }, false, {})
end

return M
