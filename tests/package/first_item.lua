-- Prints what stands first in the list behind `os.`, then ends Neovim. The plugin must have started the server by itself.
local function attempt()
  assert(
    vim.wait(20000, function()
      return #vim.lsp.get_clients({ name = "minicopilot", bufnr = 0 }) > 0
    end, 20),
    "no server after 20 s"
  )
  local buffer = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { "import os", "os." })
  local client = vim.lsp.get_clients({ name = "minicopilot", bufnr = buffer })[1]
  local place = { textDocument = vim.lsp.util.make_text_document_params(buffer), position = { line = 1, character = 3 } }
  local answer = assert(client:request_sync("textDocument/completion", place, 20000, buffer))
  return answer.result.items[1].label
end

local _, result = pcall(attempt)
io.stdout:write(result, "\n")
vim.cmd("qall!")
