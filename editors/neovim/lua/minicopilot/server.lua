--- The server's life: whether it starts for a buffer, and what happens when it ends.

local options = require("minicopilot.options")

local M = {}

--- How long to wait before it is started again, in ms. After as many crashes in a row we give up.
local WAITS = { 250, 1000, 4000, 16000 }
--- A server that has run so long had not crashed in a row.
local CALM = 180000

local ROOT_MARKERS = { "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git" }

local crashes = 0
local last_start = 0
---@type string? how it ended, until it runs again
local ended
---@type boolean? that it ended because `restart` wanted it to
local is_restarting
--- Those that have answered a first time.
---@type table<vim.lsp.rpc.PublicClient, true>
local answered = setmetatable({}, { __mode = "k" })

---@param text string
---@param level integer
local function say(text, level)
  vim.notify("minicopilot: " .. text, level)
end

--- The configuration's root_dir: calls `on_dir` if the server is to start for this buffer.
---@param buffer integer
---@param on_dir fun(folder: string?)
function M.root_dir(buffer, on_dir)
  if vim.b[buffer].minicopilot == false then
    return
  end
  local program = options.current.cmd[1]
  if vim.fn.executable(program) == 0 then
    local message = "minicopilot: `%s` is not an executable: see :checkhealth minicopilot"
    vim.notify_once(message:format(program), vim.log.levels.ERROR)
    return
  end
  on_dir(vim.fs.root(buffer, ROOT_MARKERS))
end

--- Starts the server for all Python buffers that are open and have none.
local function start()
  if vim.lsp.is_enabled("minicopilot") then
    vim.lsp.enable("minicopilot")
  end
end

--- Starts it anew, also where it was given up.
function M.restart()
  crashes = 0
  local clients = vim.lsp.get_clients({ name = "minicopilot" })
  if #clients == 0 then
    return start()
  end
  is_restarting = true
  for _, client in ipairs(clients) do
    client:stop(true) -- it keeps nothing that could be lost
  end
end

--- To be called when a server has answered.
---@param client vim.lsp.Client
function M.has_started(client)
  answered[client.rpc] = true
  if ended then
    say(("the server had ended (%s) and runs again"):format(ended), vim.log.levels.WARN)
    ended = nil
  end
end

---@param cause string
local function crashed(cause)
  crashes = vim.uv.now() - last_start > CALM and 1 or crashes + 1
  local wait = WAITS[crashes]
  if not wait then
    ended = nil
    local message = "the server ended %d times in a row (%s): see :Minicopilot log; :Minicopilot restart tries again"
    return say(message:format(crashes, cause), vim.log.levels.ERROR)
  end
  -- Said once for crashes in a row.
  ended = crashes == 1 and cause or ended
  vim.defer_fn(start, wait)
end

---@param code integer
---@param signal integer
---@param has_answered boolean
local function on_exit(code, signal, has_answered)
  if vim.v.exiting ~= vim.NIL then
    return
  end
  if is_restarting then
    is_restarting = nil
    return vim.defer_fn(start, 10) -- when Neovim has forgotten the old one
  end
  -- An end that somebody asked for: by the protocol, or by SIGTERM.
  if (code == 0 and signal == 0) or signal == 15 then
    return
  end
  local cause = signal ~= 0 and "signal " .. signal or "exit code " .. code
  if has_answered then
    return crashed(cause)
  end
  local message = "minicopilot: the server did not start (%s): see :checkhealth minicopilot"
  vim.notify_once(message:format(cause), vim.log.levels.ERROR)
end

--- The configuration's cmd: starts the server.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config vim.lsp.ClientConfig
---@return vim.lsp.rpc.PublicClient
function M.spawn(dispatchers, config)
  last_start = vim.uv.now()
  local own = vim.tbl_extend("force", dispatchers, {})
  local rpc
  own.on_exit = function(code, signal)
    local has_answered = answered[rpc] == true
    vim.schedule(function()
      on_exit(code, signal, has_answered)
    end)
    -- Neovim's own message is so long that on most screens one has to press Enter: ours is enough.
    dispatchers.on_exit(0, 0)
  end
  rpc = vim.lsp.rpc.start(options.current.cmd, own, {
    cwd = config.cmd_cwd,
    env = config.cmd_env,
    detached = config.detached,
  })
  return rpc
end

return M
