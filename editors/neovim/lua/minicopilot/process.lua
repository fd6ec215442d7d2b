--- The server's process as Neovim's LSP client sees it: one that may start later, and leaves alone the buffers that are
--- off. It decides nothing.

local switch = require("minicopilot.switch")

local M = {}

--- What is answered for a buffer that is off, without asking.
local NOTHING = {
  ["textDocument/completion"] = { isIncomplete = false, items = {} },
  ["textDocument/inlineCompletion"] = { items = {} },
}

--- Numbers of requests that the process does not see; its own start at 1.
local own_requests = 2 ^ 30

---@class minicopilot.Process : vim.lsp.rpc.PublicClient
---@field start fun() Starts the process; until then it keeps what it is told
---@field has_started fun(): boolean

---@param cmd string[]
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config vim.lsp.ClientConfig
---@return minicopilot.Process
function M.new(cmd, dispatchers, config)
  local real ---@type vim.lsp.rpc.PublicClient?
  local kept = {} ---@type fun()[]
  local is_closed = false

  ---@type minicopilot.Process
  ---@diagnostic disable-next-line: missing-fields
  local self = {}

  function self.start()
    if real or is_closed then
      return
    end
    local extra = { cwd = config.cmd_cwd, env = config.cmd_env, detached = config.detached }
    real = vim.lsp.rpc.start(cmd, dispatchers, extra)
    for _, say in ipairs(kept) do
      say()
    end
    kept = {}
  end

  function self.has_started()
    return real ~= nil
  end

  function self.request(method, parameters, callback, replied)
    local nothing = NOTHING[method]
    if nothing and switch.is_off(vim.uri_to_bufnr(parameters.textDocument.uri)) then
      own_requests = own_requests + 1
      local number = own_requests
      vim.schedule(function()
        if replied then
          replied(number)
        end
        callback(nil, nothing)
      end)
      return true, number
    end
    if real then
      local function answer(problem, result, ...)
        -- Neovim's own ghost text stays as it was if there is no answer; an empty one takes it away.
        callback(problem, result == nil and not problem and nothing or result, ...)
      end
      return real.request(method, parameters, nothing and answer or callback, replied)
    end
    table.insert(kept, function()
      self.request(method, parameters, callback, replied)
    end)
    own_requests = own_requests + 1
    return true, own_requests
  end

  function self.notify(method, parameters)
    if real then
      return real.notify(method, parameters)
    end
    table.insert(kept, function()
      self.notify(method, parameters)
    end)
    return true
  end

  function self.is_closing()
    return is_closed or (real ~= nil and real.is_closing())
  end

  function self.terminate()
    if real then
      real.terminate()
    elseif not is_closed then
      is_closed = true
      dispatchers.on_exit(0, 0)
    end
  end

  return self
end

return M
