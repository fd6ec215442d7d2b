-- Runs the parts named in PARTS, and prints how many checks passed.

local folder = vim.fs.dirname(debug.getinfo(1, "S").source:sub(2))
local terminal = dofile(folder .. "/terminal.lua")
for part in vim.gsplit(vim.env.PARTS or "editing trouble beside typing", " ") do
  assert(loadfile(("%s/%s.lua"):format(folder, part)))(terminal)
end
terminal.say(("%d passed, %d failed"):format(terminal.passed, terminal.failed))
os.exit(terminal.failed == 0 and 0 or 1)
