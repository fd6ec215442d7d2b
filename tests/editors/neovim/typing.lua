-- A Python file typed at ten keys a second: no key is lost, nothing is inserted unasked, and how long the list takes.

local terminal = ...

local SECONDS = tonumber(vim.env.SECONDS) or 60

local function quantile(sorted, share)
  return sorted[math.max(1, math.ceil(share * #sorted))]
end

local text = table.concat(vim.fn.readfile(terminal.root .. "/tests/python/compare_lexer.py"), "\n")
text = text:sub(text:find("\nimport", 1, true) + 1):sub(1, SECONDS * 10):gsub("%s+$", "")

terminal.with("typing", { init = "typing_init.lua", lines = { "" } }, function(nvim)
  nvim:attached(1)
  nvim:type("i")
  local typed = 0
  local timer = assert(vim.uv.new_timer())
  timer:start(0, 100, function()
    if typed < #text then
      typed = typed + 1
      local key = text:sub(typed, typed)
      vim.schedule(function()
        vim.api.nvim_chan_send(nvim.job, key == "\n" and "\r" or key)
      end)
    end
  end)
  vim.wait(SECONDS * 1000 + 20000, function()
    return typed == #text
  end, 100)
  timer:close()
  nvim:expect(("%d keys typed, and none is lost"):format(#text), function()
    return nvim:ask("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')") == text
  end)
  nvim:expect_no_error()
  nvim:save("typing")
  local measured = nvim:ask("measured")
  for _, name in ipairs({ "list", "ghost" }) do
    local times = measured[name]
    table.sort(times)
    if #times > 0 then
      local message = "     %s: from key to screen p50 %.1f ms, p95 %.1f ms, max %.1f ms (%d times)"
      terminal.say(message:format(name, quantile(times, 0.5), quantile(times, 0.95), times[#times], #times))
    end
  end
  nvim:expect("lists were shown", function()
    return #measured.list > 50
  end)
end)
