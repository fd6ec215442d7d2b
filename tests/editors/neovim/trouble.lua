-- What a user sees when something is wrong: a server that is killed, dies each time, does not exist or cannot start.

local terminal = ...

--- How often a text is among the messages.
local function times(nvim, text)
  return select(2, nvim:messages():gsub(vim.pesc(text), ""))
end

terminal.with("kill -9", { lines = { "import os", "" } }, function(nvim)
  nvim:attached(1)
  local function kill(written)
    local id = nvim:servers()[1]
    assert(id and vim.uv.kill(id, "sigkill") == 0)
    nvim:type("<Esc>o" .. written) -- while there is none
    nvim:expect("another server runs", function()
      local now = nvim:servers()
      return #now == 1 and now[1] ~= id
    end)
    nvim:attached(1)
  end
  nvim:type("Goos.")
  nvim:expect("a list", function()
    return nvim:popup()
  end)
  kill("import sys")
  nvim:type("<Esc>osys.")
  nvim:expect("the list comes back and includes what was written meanwhile", function()
    local list = nvim:popup()
    return list and list.items[2].word == "modules"
  end)
  nvim:expect("a message reports the crash", function()
    return times(nvim, "minicopilot: the server stopped (signal 9) and was restarted") == 1
  end)
  nvim:save("crash")
  kill("")
  nvim:expect("a second crash in a row causes no message", function()
    return times(nvim, "minicopilot: the server stopped") == 1
  end)
  -- Before the keys are sent: the restart may be over before the next question is answered.
  local id = nvim:servers()[1]
  nvim:type("<Esc>:Minicopilot restart<CR>")
  nvim:expect("a restart on request starts another server", function()
    local now = nvim:servers()
    return #now == 1 and now[1] ~= id
  end)
  nvim:attached(1)
  nvim:expect("without a message", function()
    return times(nvim, "minicopilot:") == 1
  end)
end)

terminal.with("two projects", { lines = { "import os", "" } }, function(nvim)
  nvim:attached(1)
  local project = nvim.folder .. "/project"
  vim.fn.mkdir(project)
  vim.fn.writefile({ "[project]" }, project .. "/pyproject.toml")
  nvim:type(":edit project/b.py<CR>")
  local before = nvim:expect("a server for each project", function()
    local now = nvim:servers()
    return #now == 2 and now
  end)
  nvim:attached(1)
  nvim:type(":Minicopilot restart<CR>")
  nvim:expect("a restart replaces both servers", function()
    local now = nvim:servers()
    return #now == 2 and not vim.list_contains(before, now[1]) and not vim.list_contains(before, now[2])
  end)
  nvim:attached(1)
  nvim:expect_no_error()
end)

terminal.with("a server that keeps crashing", { lines = { "import os", "" } }, function(nvim)
  nvim:attached(1)
  for start = 1, 5 do
    local id = nvim:servers()[1]
    assert(vim.uv.kill(id, "sigkill") == 0)
    nvim:expect(("crash %d"):format(start), function()
      local now = nvim:servers()
      local is_ready = start == 5 or #now == 1 and nvim:ask("#vim.lsp.get_clients({ name = 'minicopilot' })") == 1
      return now[1] ~= id and is_ready
    end)
  end
  nvim:expect("the plugin gives up, with a message", function()
    return times(nvim, "minicopilot: the server stopped 5 times (signal 9): :Minicopilot log") == 1
  end)
  nvim:type("Goimport sys<Esc>:checkhealth minicopilot<CR>")
  nvim:expect("checkhealth reports it", function()
    return nvim:shows("the server has stopped and will not be restarted automatically")
  end)
  nvim:type(":close<CR>:Minicopilot restart<CR>")
  nvim:attached(1)
  nvim:type("osys.")
  nvim:expect("a restart on request brings it back, in step with the buffer", function()
    local list = nvim:popup()
    return list and list.items[2].word == "modules"
  end)
end)

terminal.with("no such program", {
  lines = { "import os" },
  env = { OPTIONS = "{ cmd = { 'no-minicopilot', 'serve' } }" },
}, function(nvim)
  nvim:expect("a message names it and the remedy", function()
    return nvim:shows("minicopilot: `no-minicopilot` not found: :checkhealth minicopilot")
  end)
  nvim:save("wrong-cmd")
  nvim:expect("without a prompt", function()
    return nvim:ask("true")
  end)
  nvim:type(":edit b.py<CR>:edit c.py<CR>")
  nvim:expect("once, even if more files are opened", function()
    return nvim:ask("vim.fn.expand('%')") == "c.py" and times(nvim, "no-minicopilot") == 1
  end)
  nvim:type(":checkhealth minicopilot<CR>")
  nvim:expect("checkhealth says what to do", function()
    -- Neovim may have hidden the quotes already.
    return nvim:screen():find("ERROR `?no%-minicopilot`? is not an executable") and nvim:shows("cargo build --release")
  end)
end)

terminal.with("no such model", {
  lines = { "import os" },
  env = { OPTIONS = "{ cmd = { vim.env.MINICOPILOT, 'serve', '--model', '/no/model' } }" },
}, function(nvim)
  nvim:expect("a message", function()
    return times(nvim, "minicopilot: no server (exit code 1): :checkhealth minicopilot") == 1
  end)
  nvim:type(":checkhealth minicopilot<CR>")
  nvim:expect("checkhealth quotes the program's own error", function()
    return nvim:shows("ERROR") and nvim:shows("/no/model")
  end)
  nvim:save("wrong-model")
end)
