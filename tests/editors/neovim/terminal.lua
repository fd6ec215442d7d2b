-- A real Neovim in a real terminal: starts one, types, and looks at its screen.
--
-- The Neovim that runs this script is the terminal: the inner one's screen is a buffer here. What the screen cannot
-- tell is asked over RPC. A test waits for what it wants to see, never for a time.

local M = { passed = 0, failed = 0 }

local PATIENCE = 20000 -- ms; a debug build on a busy machine

M.root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h:h:h")
M.out = assert(vim.env.OUT, "OUT: a folder for the screens")
vim.fn.mkdir(M.out, "p")
vim.o.columns, vim.o.lines = 100, 30

local function say(text)
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

---@class Terminal
---@field folder string a folder of its own; the state, and with it the log, is there too
---@field job integer
---@field buffer integer
---@field channel integer
local Terminal = {}
Terminal.__index = Terminal

function Terminal:screen()
  return table.concat(vim.api.nvim_buf_get_lines(self.buffer, 0, -1, false), "\n")
end

function Terminal:shows(text)
  return self:screen():find(text, 1, true) ~= nil
end

function Terminal:save(name)
  vim.fn.writefile(vim.split(self:screen(), "\n"), M.out .. "/" .. name .. ".txt")
end

-- What a terminal sends for keys that are no characters.
local SEQUENCES = { ["<Left>"] = "\27[D", ["<Right>"] = "\27[C", ["<C-Right>"] = "\27[1;5C" }

function Terminal:type(keys)
  vim.api.nvim_chan_send(self.job, vim.keycode((keys:gsub("<[%a-]+>", SEQUENCES))))
end

--- Answers of inner Neovims, by question.
_G.answers = {} ---@type table<integer, { ok: boolean, value: any }>
local questions = 0

--- A Lua expression of the inner Neovim. Asked and answered by notification: one that shows a "Press ENTER" prompt
--- would keep a request waiting for ever.
function Terminal:ask(expression)
  questions = questions + 1
  local number = questions
  local code = [[
    local number, expression = ...
    local channel = vim.tbl_filter(function(one) return one.stream == "socket" end, vim.api.nvim_list_chans())[1].id
    local ok, value = pcall(assert(loadstring("return " .. expression)))
    local answer = "local number, ok, value = ...; answers[number] = { ok = ok, value = value }"
    vim.rpcnotify(channel, "nvim_exec_lua", answer, { number, ok, value })
  ]]
  vim.rpcnotify(self.channel, "nvim_exec_lua", code, { number, expression })
  vim.wait(3000, function()
    return _G.answers[number] ~= nil
  end, 5)
  local answer = assert(_G.answers[number], "Neovim does not answer: it is waiting for a key")
  _G.answers[number] = nil
  assert(answer.ok, answer.value)
  return answer.value ~= vim.NIL and answer.value
end

--- Waits until `condition` gives something true, and returns it.
function Terminal:expect(name, condition)
  local result, problem
  vim.wait(PATIENCE, function()
    local ok, value = pcall(condition)
    result, problem = ok and value, not ok and value or nil
    return result
  end, 20)
  if not result then
    self:save("failed")
    error(("%s%s\n%s"):format(name, problem and ": " .. tostring(problem) or "", self:screen()), 0)
  end
  M.passed = M.passed + 1
  say("ok   " .. name)
  return result
end

function Terminal:line()
  return self:ask("vim.api.nvim_get_current_line()")
end

function Terminal:messages()
  return self:ask("vim.api.nvim_exec2('messages', { output = true }).output")
end

--- Waits for the servers of the current buffer, and until ours completes in it.
function Terminal:attached(number)
  self:expect(("%d server(s) attached"):format(number), function()
    local attached = self:ask("vim.fn.exists('#minicopilot.popup.' .. vim.api.nvim_get_current_buf())") == 1
    return attached
      and self:ask(
          [[#vim.tbl_filter(function(client) return client.initialized end, vim.lsp.get_clients({ bufnr = 0 }))]]
        )
        == number
  end)
end

--- The popup's items, if it is open.
function Terminal:popup()
  return self:ask("vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'items', 'selected' })")
end

function Terminal:expect_no_error()
  self:expect("no error was shown", function()
    -- This terminal may be too slow to tell its colour.
    local messages = self:messages():gsub("E1568:[^\n]*", "")
    assert(not messages:find("E%d+:") and not messages:find("minicopilot:") and not messages:find("Error"), messages)
    return true
  end)
end

--- The process ids of the servers that this Neovim has started.
function Terminal:servers()
  local children = vim.api.nvim_get_proc_children(self:ask("vim.fn.getpid()"))
  return vim.tbl_filter(function(id)
    local process = vim.api.nvim_get_proc(id)
    return process ~= nil and process.name == "minicopilot"
  end, children)
end

local function stop(self)
  pcall(vim.rpcnotify, self.channel, "nvim_command", "qall!")
  if vim.fn.jobwait({ self.job }, 5000)[1] == -1 then
    vim.fn.jobstop(self.job)
  end
  pcall(vim.fn.chanclose, self.channel)
  vim.fn.delete(self.folder, "rf")
end

--- Starts a Neovim with a Python file of these lines, runs `test`, and ends it. `init` is a file beside this one.
---@param name string
---@param given { init?: string, env?: table<string, string>, lines: string[] }
---@param test fun(nvim: Terminal)
function M.with(name, given, test)
  say("-- " .. name)
  local self = setmetatable({ folder = vim.fn.tempname() }, Terminal)
  vim.fn.mkdir(self.folder, "p")
  local file = self.folder .. "/a.py"
  vim.fn.writefile(given.lines, file)
  vim.cmd.enew({ bang = true })
  self.buffer = vim.api.nvim_get_current_buf()
  local socket = self.folder .. "/socket"
  local init = M.root .. "/tests/editors/neovim/" .. (given.init or "init.lua")
  self.job = vim.fn.jobstart({ vim.env.NVIM_TESTED, "--clean", "-u", init, "--listen", socket, file }, {
    term = true,
    cwd = self.folder,
    env = vim.tbl_extend("force", {
      PLUGIN = M.root .. "/editors/neovim",
      XDG_STATE_HOME = self.folder, -- the user's own log stays as it is
      NVIM = "",
    }, given.env or {}),
  })
  local ok, problem = pcall(function()
    self:expect("Neovim starts", function()
      self.channel = self.channel or vim.fn.sockconnect("pipe", socket, { rpc = true })
      return self:ask("true")
    end)
    test(self)
  end)
  stop(self)
  if not ok then
    M.failed = M.failed + 1
    say("FAIL " .. name .. ": " .. problem)
  end
end

M.say = say

return M
