-- Measures, from the key to the end of the redraw that shows it: the list as the servers' answer, and ghost text.

dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/init.lua")

_G.measured = { list = {}, ghost = {} }

local typed ---@type integer?
local pending = {}

-- Enter counts too, for which there is no InsertCharPre.
vim.on_key(function(_, key)
  if key ~= "" then
    typed = vim.uv.hrtime()
    pending = {}
  end
end)

--- What `name` of `functions` changes is seen with the next redraw.
local function watch(functions, name, kind, concerns)
  local original = functions[name]
  functions[name] = function(...)
    if concerns(...) then
      pending[kind] = typed
    end
    return original(...)
  end
end

watch(vim.fn, "complete", "list", function(_, items)
  return #items > 0
end)
watch(vim.api, "nvim_buf_set_extmark", "ghost", function(_, _, _, _, options)
  return options.virt_text ~= nil
end)

vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace("measure"), {
  on_end = function()
    for kind, since in pairs(pending) do
      table.insert(_G.measured[kind], (vim.uv.hrtime() - since) / 1e6)
    end
    pending = {}
  end,
})

-- The text has its own indentation.
vim.api.nvim_create_autocmd("FileType", {
  pattern = "python",
  callback = function()
    vim.schedule(function()
      vim.cmd("setlocal noautoindent indentexpr= formatoptions=")
    end)
  end,
})
