-- A real Neovim in a real terminal: types Python, and looks for our items in its popup.
--
--   MINICOPILOT=target/release/minicopilot OUT=/tmp/neovim nvim --clean -l tests/neovim/popup.lua
--
-- The outer Neovim runs this script and is the terminal: the inner one's screen is a buffer here. What the screen
-- cannot tell is asked over RPC. The script waits for what it wants to see, never for a time.

local root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h:h")
local out = assert(vim.env.OUT, "OUT: a folder for the screens")
local program = vim.fn.fnamemodify(assert(vim.env.MINICOPILOT, "MINICOPILOT: the program"), ":p")
local PATIENCE = 20000 -- ms; a debug build on a busy machine

vim.fn.mkdir(out, "p")
local folder = vim.fn.tempname()
vim.fn.mkdir(folder, "p")
local file = folder .. "/a.py"
vim.fn.writefile({ "import os", "", "" }, file)

-- The terminal -------------------------------------------------------------------------------------------------------

vim.o.columns, vim.o.lines = 100, 30
local socket = folder .. "/socket"
local terminal = vim.fn.jobstart({ vim.v.progpath, "--clean", "-u", root .. "/tests/neovim/init.lua", "--listen", socket, file }, {
  term = true,
  env = {
    MINICOPILOT = program,
    PLUGIN = root .. "/editors/neovim",
    XDG_STATE_HOME = folder, -- the user's own log stays as it is
  },
})
local inner ---@type integer

local function screen()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
end

local function save(name)
  vim.fn.writefile(vim.split(screen(), "\n"), out .. "/" .. name .. ".txt")
end

local passed = 0

local function finish(failure)
  pcall(vim.rpcnotify, inner, "nvim_command", "qall!")
  vim.fn.jobwait({ terminal }, 5000)
  vim.fn.delete(folder, "rf")
  if failure then
    io.stdout:write(failure, "\n")
  end
  io.stdout:write(("%d passed, %d failed\n"):format(passed, failure and 1 or 0))
  os.exit(failure and 1 or 0)
end

--- Waits until `condition` gives something true, and returns it.
local function expect(name, condition)
  local result, problem
  vim.wait(PATIENCE, function()
    local ok, value = pcall(condition)
    result, problem = ok and value, not ok and value or nil
    return result
  end, 20)
  if not result then
    save("failed")
    finish(("FAIL %s%s\n%s"):format(name, problem and ": " .. problem or "", screen()))
  end
  passed = passed + 1
  io.stdout:write("ok   ", name, "\n")
  return result
end

local function type_keys(keys)
  vim.api.nvim_chan_send(terminal, vim.keycode(keys))
end

--- An expression of the inner Neovim.
local function ask(expression)
  -- A Neovim that shows a "Press ENTER" prompt would never answer.
  assert(not vim.rpcrequest(inner, "nvim_get_mode").blocking, "Neovim waits for a key")
  return vim.rpcrequest(inner, "nvim_eval", expression)
end

--- The popup's items, if it is open.
local function popup()
  return ask("pumvisible()") == 1 and ask("complete_info(['items', 'selected'])")
end

--- Items that start with `prefix`, each with its probability on the screen.
local function offers(prefix)
  return function()
    local list = popup()
    if not list or #list.items == 0 or #list.items > 5 then
      return false
    end
    for _, item in ipairs(list.items) do
      local shown = screen():find(item.word .. "%s+%a+%s+" .. vim.pesc(item.menu))
      if not vim.startswith(item.word, prefix) or not item.menu:find("^<?%d+ %%$") or not shown then
        return false
      end
    end
    return list
  end
end

-- The test -----------------------------------------------------------------------------------------------------------

expect("Neovim starts", function()
  inner = vim.fn.sockconnect("pipe", socket, { rpc = true })
  return inner > 0
end)
expect("the server attaches", function()
  return ask([[luaeval('#vim.tbl_filter(function(c) return c.initialized end, vim.lsp.get_clients({ name = "minicopilot", bufnr = 0 }))')]]) == 1
end)

type_keys("Goimport o")
local list = expect("a list while a word is typed, with probabilities", offers("o"))
assert(list.selected == -1, "nothing is chosen")
save("popup")
io.stdout:write(screen():gsub("\n[~%s]*\n[~%s\n]*", "\n"), "\n")

type_keys("<C-n><C-y>")
local word = list.items[1].word
expect("CTRL-N CTRL-Y accepts the first item", function()
  return ask("getline('.')") == "import " .. word and not popup()
end)

type_keys("<Esc>oos.")
expect("a list after a dot", offers(""))
save("dot")

type_keys("<Esc>Sx = 1")
expect("a list while a number is typed", offers("1"))
type_keys("<CR>")
expect("Enter accepts nothing and breaks the line", function()
  return ask("getline(line('.') - 1)") == "x = 1" and ask("getline('.')") == ""
end)

type_keys("<Esc>:checkhealth minicopilot<CR>")
expect("checkhealth finds no fault", function()
  local report = screen()
  local complete = report:find("OK model: ") and report:find("OK server %d+ is attached")
  return complete and not report:find("ERROR") and not report:find("WARNING")
end)
save("checkhealth")

expect("no error was shown", function()
  local messages = ask("execute('messages')")
  assert(not messages:find("E%d+:") and not messages:find("minicopilot:"), messages)
  return true
end)
finish()
