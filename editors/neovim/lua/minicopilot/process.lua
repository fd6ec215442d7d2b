--- The server's process as Neovim's LSP client sees it: it may start later, and requests for buffers that are off do
--- not reach it. It makes no decisions.

local switch = require("minicopilot.switch")

local M = {}

--- The answers for a buffer that is off, given without a request to the server.
local NOTHING = {
  ["textDocument/completion"] = { isIncomplete = false, items = {} },
  ["textDocument/inlineCompletion"] = { items = {} },
}

--- Ids of requests that do not reach the process; those that do start at 1.
local own_requests = 2 ^ 30

---@class minicopilot.Process : vim.lsp.rpc.PublicClient
---@field start fun() Starts the process; messages sent before are queued
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
        -- Neovim keeps its own ghost text if the answer is null; an empty one removes it.
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
