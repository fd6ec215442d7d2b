-- Beside another server: basedpyright, with Neovim's completion on for both.

local terminal = ...

terminal.with("beside basedpyright", { init = "beside_init.lua", lines = { "import os", "", "" } }, function(nvim)
  nvim:attached(2)
  nvim:type("Goos.")
  local list = nvim:expect("one list with the items of both", function()
    local list = nvim:popup()
    return list and #list.items > 50 and list
  end)
  local ours, others, first = {}, {}, nil
  for _, item in ipairs(list.items) do
    local is_ours = item.menu:find("%%$") ~= nil
    first = first or (is_ours and "ours" or "the other's")
    table.insert(is_ours and ours or others, item.word)
  end
  nvim:save("beside")
  terminal.say(
    ("     %d items of ours, %d of the other server; first: %s; %s"):format(
      #ours,
      #others,
      first,
      table.concat(ours, " ")
    )
  )
  nvim:type("pat")
  nvim:expect("it stays one list while typing", function()
    local now = nvim:popup()
    return now and now.items[1] and now.items[1].word:find("^pat") and nvim:line() == "os.pat"
  end)
  nvim:save("beside-typed")
  nvim:expect_no_error()
end)
