-- What a user does: the list, ghost text, on and off, the panel, the report.

local terminal = ...

--- Items that start with `prefix`, each with its probability on the screen.
local function offers(nvim, prefix)
  return function()
    local list = nvim:popup()
    if not list or #list.items == 0 or #list.items > 5 then
      return false
    end
    for _, item in ipairs(list.items) do
      local shown = nvim:screen():find(item.word .. "%s+%a+%s+" .. vim.pesc(item.menu))
      if not vim.startswith(item.word, prefix) or not item.menu:find("^<?%d+ %%$") or not shown then
        return false
      end
    end
    return list
  end
end

terminal.with("the list", { lines = { "import os", "", "" } }, function(nvim)
  nvim:attached(1)
  nvim:type("Goimport o")
  local list = nvim:expect("a list while a word is typed, with probabilities", offers(nvim, "o"))
  assert(list.selected == -1, "no item is selected")
  nvim:save("popup")
  nvim:type("<C-n><C-y>")
  nvim:expect("CTRL-N CTRL-Y accepts the first item, and no list opens after it", function()
    return nvim:line() == "import " .. list.items[1].word and not nvim:popup()
  end)
  nvim:type("<Esc>oos.")
  nvim:expect("a list after a dot", offers(nvim, ""))
  nvim:save("dot")
  nvim:type("<Esc>Sx = 1")
  nvim:expect("a list while a number is typed", offers(nvim, "1"))
  nvim:type("<CR>")
  nvim:expect("Enter accepts nothing and breaks the line", function()
    return nvim:ask("vim.fn.getline(vim.fn.line('.') - 1)") == "x = 1" and nvim:line() == ""
  end)
  nvim:type("<Esc>:checkhealth minicopilot<CR>")
  nvim:expect("checkhealth finds no problem", function()
    local report = nvim:screen()
    local complete = report:find("OK model: ")
      and report:find("OK server %d+ is attached")
      and report:find("OK ghost text")
    return complete and not report:find("ERROR") and not report:find("WARNING")
  end)
  nvim:save("checkhealth")
  nvim:expect_no_error()
end)

terminal.with("Neovim's 'autocomplete'", { init = "autocomplete.lua", lines = { "import os", "" } }, function(nvim)
  nvim:expect("the server attaches", function()
    return nvim:ask("vim.lsp.get_clients()[1].initialized")
  end)
  if not nvim:ask("vim.fn.exists('&autocomplete') == 1") then
    return terminal.say("     skipped: Neovim 0.11 has none")
  end
  local function first()
    local list = nvim:popup()
    return list and #list.items > 0 and list.selected == -1 and list.items[1]
  end
  nvim:type("Goimport o")
  nvim:expect("ours come first, and nothing is inserted", function()
    local item = first()
    return item and vim.startswith(item.word, "o") and item.menu:find("%%") and nvim:line() == "import o"
  end)
  nvim:type("<Esc>oos.")
  nvim:expect("after a dot, too", function()
    local item = first()
    return item and item.menu:find("%%")
  end)
  nvim:save("autocomplete")
  nvim:type("path")
  nvim:expect("it follows", function()
    local item = first()
    return nvim:line() == "os.path" and item and item.word == "path"
  end)
  nvim:type("<CR>")
  nvim:expect("Enter accepts nothing", function()
    return nvim:ask("vim.fn.getline(vim.fn.line('.') - 1)") == "os.path" and nvim:line() == ""
  end)
  nvim:expect_no_error()
end)

local CLASS = { "class Point:", "    def __init__(self, x, y):", "        self.x = x" }

--- Types the beginning of a line, and waits for the rest of it as ghost text.
local function half_a_line(nvim)
  nvim:attached(1)
  nvim:type("Goself.y") -- Neovim indents
  nvim:expect("the rest of the line is shown, and is not in the buffer", function()
    return nvim:line() == "        self.y" and nvim:shows("        self.y = y") and nvim:popup()
  end)
end

terminal.with("ghost text, by words", { lines = CLASS }, function(nvim)
  half_a_line(nvim)
  nvim:save("ghost")
  nvim:type("<C-Right>")
  nvim:expect("CTRL-Right accepts a word", function()
    return nvim:line() == "        self.y ="
  end)
  nvim:type("<C-Right>")
  nvim:expect("and immediately the next", function()
    return nvim:line() == "        self.y = y"
  end)
  nvim:expect_no_error()
end)

terminal.with("ghost text, the line", { lines = CLASS }, function(nvim)
  half_a_line(nvim)
  nvim:type("<Right>")
  nvim:expect("Right accepts the line, and no list opens after it", function()
    return nvim:line() == "        self.y = y" and not nvim:popup()
  end)
  nvim:type("<Left><Left><Right>|")
  nvim:expect("Right moves the cursor if nothing is shown", function()
    return nvim:line() == "        self.y = |y"
  end)
  nvim:type("<Esc>ccself.")
  nvim:expect("shown again", function()
    return nvim:line():find("self%.$") and nvim:shows("self.y = y")
  end)
  nvim:type("<Esc>")
  nvim:expect("no ghost text remains outside insert mode", function()
    return nvim:ask("vim.api.nvim_get_mode().mode") == "n" and not nvim:shows("self.y = y")
  end)
  nvim:expect_no_error()
end)

terminal.with("Neovim's own ghost text", { init = "native.lua", lines = CLASS }, function(nvim)
  if not nvim:ask("vim.lsp.inline_completion ~= nil") then
    return terminal.say("     skipped: Neovim 0.11 has none")
  end
  half_a_line(nvim)
  nvim:expect("it is Neovim's", function()
    return nvim:ask("require('minicopilot.ghost').is_native(0)")
  end)
  nvim:type("<C-Right>")
  nvim:expect("CTRL-Right accepts a word", function()
    return nvim:line() == "        self.y ="
  end)
  nvim:type("<C-Right>")
  nvim:expect("and immediately the next", function()
    return nvim:line() == "        self.y = y"
  end)
  nvim:type("<Esc>ccself.")
  nvim:expect("shown again", function()
    return nvim:line():find("self%.$") and nvim:shows("self.y = y") and nvim:popup()
  end)
  nvim:type("<Right>")
  nvim:expect("Right accepts the line", function()
    return vim.trim(nvim:line()) == "self.y = y"
  end)
  nvim:expect_no_error()
end)

local MAPPED = { OPTIONS = "{ keys = { line = '<Tab>', word = false } }" }

terminal.with("a key that is already mapped", { init = "mapped.lua", env = MAPPED, lines = CLASS }, function(nvim)
  nvim:attached(1)
  nvim:type("Go<Tab>")
  nvim:expect("the user's mapping still works if nothing is shown, as in the indentation", function()
    return vim.trim(nvim:line()) == "[tab]"
  end)
  nvim:type("<Esc>Sself.y")
  nvim:expect("ghost text", function()
    return nvim:line() == "        self.y" and nvim:shows("        self.y = y")
  end)
  nvim:type("<Tab>")
  nvim:expect("Tab accepts it", function()
    return nvim:line() == "        self.y = y"
  end)
  nvim:expect_no_error()
end)

terminal.with("on and off", { lines = { "import os", "" } }, function(nvim)
  nvim:attached(1)
  nvim:type(":Minicopilot toggle<CR>")
  nvim:expect("off in this buffer, with a message", function()
    return nvim:shows("minicopilot: off in this buffer")
  end)
  nvim:type("Goimport os<CR>os.")
  nvim:ask("vim.lsp.completion.get()")
  nvim:expect("requests get an empty answer", function()
    local asked =
      "vim.lsp.buf_request_sync(0, 'textDocument/completion', vim.lsp.util.make_position_params(0, 'utf-8'))"
    return nvim:line() == "os." and nvim:ask("#" .. asked .. "[1].result.items") == 0 and not nvim:popup()
  end)
  nvim:type("<Esc>:checkhealth minicopilot<CR>")
  nvim:expect("checkhealth reports that it is off, and how to turn it on", function()
    return nvim:shows("off in a.py") and nvim:screen():find(":Minicopilot toggle`? there to turn it on")
  end)
  nvim:save("checkhealth-off")
  nvim:type(":close<CR>:Minicopilot toggle<CR>")
  nvim:expect("on again", function()
    return nvim:shows("minicopilot: on in this buffer")
  end)
  nvim:type("Sos.")
  nvim:expect("the list is back", offers(nvim, ""))
  nvim:type("<Esc>:Minicopilot toggle all<CR>")
  nvim:expect("off everywhere", function()
    return nvim:screen():find("minicopilot: off%s*$") and nvim:ask("vim.g.minicopilot == false")
  end)
  nvim:type(":Minicopilot toggle all<CR>")
  nvim:expect("on everywhere", function()
    return nvim:screen():find("minicopilot: on%s*$")
  end)
  nvim:type(":Minicopilot <Tab>")
  nvim:expect("subcommands are completed", function()
    return nvim:shows("info") and nvim:shows("restart") and nvim:shows("toggle") and nvim:shows("why")
  end)
  nvim:type("<C-u>Minicopilot nonsense<CR>")
  nvim:expect("an unknown subcommand is reported", function()
    return nvim:shows("minicopilot: unknown subcommand `nonsense`: info, log, restart, toggle, why")
  end)
  nvim:type(":Minicopilot info<CR>")
  nvim:expect("info shows what runs", function()
    return nvim:shows("model        residual_lstm") and nvim:shows("this buffer  on, server")
  end)
  nvim:save("info")
  nvim:type("<CR>")
end)

terminal.with("why", { lines = CLASS }, function(nvim)
  nvim:attached(1)
  nvim:type("Goself.<C-o>:Minicopilot why<CR>")
  local function panel()
    local text = nvim:screen()
    local _, bars = text:gsub("│ [^│]-%d+ %% [█▓▒]", "")
    return text:find("minicopilot: why%?") and text:find("the next token") and bars >= 1 and text
  end
  nvim:expect("the panel shows tokens, percentages and bars", panel)
  nvim:save("why")
  nvim:type("y")
  nvim:expect("it follows the typed text", function()
    return nvim:shows("in place of `y`")
  end)
  nvim:type(" = ")
  nvim:expect("and continues to", function()
    return nvim:shows("the next token") and nvim:shows(" y  ")
  end)
  nvim:type("<Esc>:Minicopilot why<CR>")
  nvim:expect("the command closes it", function()
    return not nvim:shows("minicopilot: why?")
  end)
  nvim:expect_no_error()
end)
