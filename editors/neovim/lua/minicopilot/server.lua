--- The server's life cycle: how it starts, and what happens when it stops.

local options = require("minicopilot.options")
local process = require("minicopilot.process")

local M = {}

--- Delays before each restart, in ms. After as many crashes in a row we give up.
local WAITS = { 250, 1000, 4000, 16000 }
--- A server that ran for this many ms resets the count of crashes.
local CALM = 180000

local crashes = 0
local last_start = 0
---@type boolean? whether the user was told that the program is missing
local is_missing
---@type string? why it stopped, until it runs again
local ended
--- The processes that `restart` has told to stop. There may be several: Neovim starts a server for each project.
---@type table<minicopilot.Process, true>
local restarting = setmetatable({}, { __mode = "k" })
--- The processes that have answered at least once.
---@type table<minicopilot.Process, true>
local answered = setmetatable({}, { __mode = "k" })
--- The delay before the next process starts, in ms; nil: it waits for `restart`.
---@type integer?
local wait = 0

--- Shows a message. It must be short: one that does not fit into `v:echospace` has to be confirmed with Enter.
---@param text string
local function say(text)
  if vim.v.vim_did_enter == 0 then
    vim.api.nvim_create_autocmd("VimEnter", {
      once = true,
      callback = function()
        vim.defer_fn(function()
          say(text)
        end, 50) -- after Neovim's message about the file
      end,
    })
    return
  end
  vim.cmd.redraw()
  vim.notify("minicopilot: " .. text, vim.log.levels.WARN)
end

--- Whether the program can be started; warns once if not.
---@return boolean
local function is_there()
  local program = options.current.cmd[1]
  if vim.fn.executable(program) == 1 then
    return true
  end
  if not is_missing then
    is_missing = true
    say(("`%s` not found: :checkhealth minicopilot"):format(vim.fs.basename(program)))
  end
  return false
end

---@return vim.lsp.Client[] all of ours, including those that are not initialized yet
local function clients()
  return vim.lsp.get_clients({ name = "minicopilot", _uninitialized = true })
end

--- Replaces a client whose process has stopped. Neovim loses track of buffers that change while no client is attached,
--- so the new client is attached at once, and only its process waits.
---@param old vim.lsp.Client
---@param milliseconds integer? the delay; nil: until `restart`
local function replace(old, milliseconds)
  wait = milliseconds
  local new ---@type integer?
  for buffer in pairs(old.attached_buffers) do
    if vim.api.nvim_buf_is_valid(buffer) then
      new = vim.lsp.start(old.config, {
        bufnr = buffer,
        reuse_client = function(client)
          return client.id == new
        end,
      })
    end
  end
  wait = 0
end

--- Restarts the server, even after we gave up.
function M.restart()
  crashes, is_missing = 0, nil
  if not is_there() then
    return
  end
  local all = clients()
  if #all == 0 then
    vim.lsp.enable("minicopilot")
  end
  for _, client in ipairs(all) do
    local rpc = client.rpc --[[@as minicopilot.Process]]
    -- A user's own command is not one of our processes.
    if rpc.has_started and not rpc.has_started() then
      rpc.start()
    else
      restarting[rpc] = true -- on_exit starts the next one
      client:stop(true) -- forcing is safe: the server saves nothing
    end
  end
end

--- Must be called when a server has answered.
---@param client vim.lsp.Client
function M.has_started(client)
  answered[client.rpc] = true
  if ended then
    say(("the server stopped (%s) and was restarted"):format(ended))
    ended = nil
  end
end

--- The delay before the restart after a crash; nil if we give up.
---@param cause string
---@return integer?
local function wait_after_crash(cause)
  crashes = vim.uv.now() - last_start > CALM and 1 or crashes + 1
  if WAITS[crashes] then
    -- One message for crashes in a row.
    ended = crashes == 1 and cause or ended
    return WAITS[crashes]
  end
  ended = nil
  local message = "the server stopped %d times (%s): :Minicopilot log"
  say(message:format(crashes, cause))
end

---@param rpc minicopilot.Process
---@param code integer
---@param signal integer
local function on_exit(rpc, code, signal)
  local old = vim.iter(clients()):find(function(client)
    return client.rpc == rpc
  end)
  -- A stop on request: through the protocol, or by SIGTERM.
  local is_wanted = (code == 0 and signal == 0) or signal == 15
  if vim.v.exiting ~= vim.NIL or not old or (is_wanted and not restarting[rpc]) then
    return
  end
  if restarting[rpc] then
    return replace(old, 0)
  end
  local cause = signal ~= 0 and "signal " .. signal or "exit code " .. code
  if answered[rpc] then
    return replace(old, wait_after_crash(cause))
  end
  say(("no server (%s): :checkhealth minicopilot"):format(cause))
  replace(old, nil)
end

--- The configuration's cmd: starts the server.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config vim.lsp.ClientConfig
---@return minicopilot.Process
function M.spawn(dispatchers, config)
  local rpc ---@type minicopilot.Process
  local own = vim.tbl_extend("force", dispatchers, {
    on_exit = vim.schedule_wrap(function(code, signal)
      on_exit(rpc, code, signal)
      -- Hide the cause from Neovim, whose own message would be too long.
      dispatchers.on_exit(0, 0)
    end),
  })
  rpc = process.new(options.current.cmd, own, config)
  if not is_there() then
    return rpc -- it waits for `restart`
  end
  if wait == 0 then
    last_start = vim.uv.now()
    rpc.start()
  elseif wait then
    vim.defer_fn(function()
      last_start = vim.uv.now()
      rpc.start()
    end, wait)
  end
  return rpc
end

return M
