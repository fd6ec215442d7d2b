--- :Minicopilot

local M = {}

---@param text string
local function say(text)
  vim.notify("minicopilot: " .. text)
end

---@type table<string, { arguments: string[], run: fun(argument: string?) }>
local subcommands = {
  info = {
    arguments = {},
    run = function()
      require("minicopilot.info").show()
    end,
  },
  toggle = {
    arguments = { "buffer", "all" },
    run = function(argument)
      local switch = require("minicopilot.switch")
      if argument == "all" then
        say(switch.toggle_all() and "on" or "off")
      elseif vim.bo.filetype ~= "python" then
        say("not a Python buffer; `toggle all` applies to all buffers")
      else
        say((switch.toggle_buffer(vim.api.nvim_get_current_buf()) and "on" or "off") .. " in this buffer")
      end
    end,
  },
  restart = {
    arguments = {},
    run = function()
      require("minicopilot.server").restart()
    end,
  },
  log = {
    arguments = {},
    run = function()
      -- Neovim's log of all servers, which includes our server's standard error.
      local file = vim.lsp.log.get_filename()
      if vim.fn.filereadable(file) == 0 then
        return say("no server has written to the log yet")
      end
      vim.cmd.sview(vim.fn.fnameescape(file))
      vim.cmd.normal({ "G", bang = true })
    end,
  },
  why = {
    arguments = {},
    run = function()
      require("minicopilot.why").toggle()
    end,
  },
}

---@param words string[]
local function run(words)
  local name, argument = words[1] or "info", words[2]
  local subcommand = subcommands[name]
  local names = vim.tbl_keys(subcommands)
  table.sort(names)
  local problem
  if not subcommand then
    problem = ("unknown subcommand `%s`: %s"):format(name, table.concat(names, ", "))
  elseif argument and not vim.list_contains(subcommand.arguments, argument) then
    local known = #subcommand.arguments == 0 and "no argument" or table.concat(subcommand.arguments, " or ")
    problem = ("`%s` takes %s, not `%s`"):format(name, known, argument)
  end
  if problem then
    vim.notify("minicopilot: " .. problem, vim.log.levels.ERROR)
  else
    subcommand.run(argument)
  end
end

---@param start string the typed prefix
---@param line string
---@return string[]
local function complete(start, line)
  local words = vim.split(vim.trim(line), "%s+")
  local is_second = #words > 2 or (#words == 2 and start == "")
  local subcommand = is_second and subcommands[words[2]]
  local choices = is_second and (subcommand and subcommand.arguments or {}) or vim.tbl_keys(subcommands)
  local fitting = vim.tbl_filter(function(choice)
    return vim.startswith(choice, start)
  end, choices)
  table.sort(fitting)
  return fitting
end

function M.create()
  vim.api.nvim_create_user_command("Minicopilot", function(arguments)
    run(arguments.fargs)
  end, { nargs = "*", complete = complete, desc = "minicopilot: info, toggle, restart, log, why" })
end

return M
