--- The panel that explains the answers: the top five next tokens, and how much of each probability comes from the
--- network, the buffer and the project. It follows the cursor across buffers.

local switch = require("minicopilot.switch")

local M = {}

local WIDTH, HEIGHT = 62, 7
local BAR = 20
local namespace = vim.api.nvim_create_namespace("minicopilot.why")

--- The three parts in the order of a bar, and the scopes of `minicopilot/nextTokens` that each sums. The blocks differ,
--- so that the parts can be told apart without colours.
local PARTS = {
  {
    name = "network",
    scopes = { "network" },
    block = "█",
    highlight = "MinicopilotNetwork",
    link = "DiagnosticInfo",
  },
  { name = "buffer", scopes = { "buffer" }, block = "▓", highlight = "MinicopilotBuffer", link = "DiagnosticOk" },
  {
    name = "project",
    scopes = { "project", "declarations" },
    block = "▒",
    highlight = "MinicopilotProject",
    link = "DiagnosticWarn",
  },
}

---@type integer?, integer?
local panel, window
---@type boolean, boolean a request is pending; the cursor has moved since
local is_asking, has_moved = false, false

---@alias minicopilot.Line [string, string?][] pieces of text, each with its highlight

--- The expert with the largest share; nil if there is only the network.
---@param source table<string, number> shares by expert
---@return string?
local function main_expert(source)
  local best
  for expert, share in pairs(source) do
    best = (not best or share > source[best]) and expert or best
  end
  return best
end

--- A text cut or padded to a number of columns.
---@param text string
---@param columns integer
---@return string
local function fit(text, columns)
  if vim.fn.strdisplaywidth(text) > columns then
    text = vim.fn.strcharpart(text, 0, columns - 1) .. "…"
  end
  return text .. (" "):rep(columns - vim.fn.strdisplaywidth(text))
end

---@param probability number
---@return string
local function percent(probability)
  local rounded = math.floor(probability * 100 + 0.5)
  return ("%5s"):format(rounded == 0 and "<1 %" or rounded .. " %")
end

--- The pieces of one token's bar, whose length is the probability.
---@param probability number
---@param scope table<string, number> shares by scope
---@return minicopilot.Line
local function bar(probability, scope)
  local pieces, drawn, reached = {}, 0, 0
  for _, part in ipairs(PARTS) do
    for _, name in ipairs(part.scopes) do
      reached = reached + (scope[name] or 0)
    end
    local upto = math.floor(BAR * probability * reached + 0.5)
    table.insert(pieces, { part.block:rep(upto - drawn), part.highlight })
    drawn = upto
  end
  table.insert(pieces, { (" "):rep(BAR - drawn) })
  return pieces
end

--- The server's answer as lines.
---@param answer { tokens: table[], prefix: string }
---@return minicopilot.Line[]
local function lines_of(answer)
  local legend = { { " " } }
  for _, part in ipairs(PARTS) do
    vim.list_extend(legend, { { part.block .. " ", part.highlight }, { part.name .. "  " } })
  end
  table.insert(legend, { ("%26s"):format("network alone"), "Comment" })
  local lines = { legend }
  for _, next_token in ipairs(answer.tokens) do
    local line = { { " " .. fit(next_token.token, 13) }, { percent(next_token.probability) .. " " } }
    vim.list_extend(line, bar(next_token.probability, next_token.scope))
    table.insert(line, { " " .. fit(main_expert(next_token.source) or "", 14), "Comment" })
    table.insert(line, { percent(next_token.network), "Comment" })
    table.insert(lines, line)
  end
  local place = answer.prefix == "" and "the next token" or ("in place of `%s`"):format(answer.prefix)
  table.insert(lines, { { " " .. fit(place, WIDTH - 2), "Comment" } })
  return lines
end

---@param lines minicopilot.Line[]
local function write(lines)
  local texts = vim.tbl_map(function(line)
    return table.concat(vim.tbl_map(function(piece)
      return piece[1]
    end, line))
  end, lines)
  vim.bo[panel].modifiable = true
  vim.api.nvim_buf_set_lines(panel, 0, -1, false, texts)
  vim.bo[panel].modifiable = false
  for row, line in ipairs(lines) do
    local column = 0
    for _, piece in ipairs(line) do
      if piece[2] then
        local extent = { end_col = column + #piece[1], hl_group = piece[2] }
        vim.api.nvim_buf_set_extmark(panel, namespace, row - 1, column, extent)
      end
      column = column + #piece[1]
    end
  end
end

--- The panel's place: at the top right, or at the bottom right if it would cover the cursor or the list.
---@return vim.api.keyset.win_config
local function place()
  local is_in_the_way = vim.fn.screenrow() <= HEIGHT + 3
  return {
    relative = "editor",
    anchor = is_in_the_way and "SE" or "NE",
    row = is_in_the_way and vim.o.lines - vim.o.cmdheight - 1 or 0,
    col = vim.o.columns,
    width = math.min(WIDTH, vim.o.columns - 2),
    height = HEIGHT,
  }
end

--- Requests the tokens at the cursor. While a request is pending, the next one waits for its answer.
local function update()
  vim.api.nvim_win_set_config(window, place())
  local client = vim.lsp.get_clients({ name = "minicopilot", bufnr = 0 })[1]
  if not client or switch.is_off(0) then
    return write({ { { " minicopilot is not on in this buffer", "Comment" } } })
  end
  if is_asking then
    has_moved = true
    return
  end
  local parameters = vim.lsp.util.make_position_params(0, client.offset_encoding)
  ---@diagnostic disable-next-line: inject-field
  parameters.k = 5
  is_asking, has_moved = true, false
  ---@diagnostic disable-next-line: param-type-mismatch
  local is_sent = client:request("minicopilot/nextTokens", parameters, function(_, answer)
    is_asking = false
    if not M.is_open() then
      return
    end
    -- A request that a later key has superseded is answered with no tokens.
    if answer and #answer.tokens > 0 then
      write(lines_of(answer))
    end
    if has_moved then
      update()
    end
  end, vim.api.nvim_get_current_buf())
  is_asking = is_sent
end

function M.is_open()
  return window ~= nil and vim.api.nvim_win_is_valid(window)
end

function M.close()
  pcall(vim.api.nvim_del_augroup_by_name, "minicopilot.why")
  if M.is_open() then
    vim.api.nvim_win_close(window, true)
  end
  window, is_asking = nil, false
end

function M.open()
  for _, part in ipairs(PARTS) do
    vim.api.nvim_set_hl(0, part.highlight, { link = part.link, default = true })
  end
  panel = vim.api.nvim_create_buf(false, true)
  vim.bo[panel].bufhidden = "wipe"
  local looks = {
    style = "minimal",
    border = "rounded",
    title = " minicopilot: why? ",
    focusable = false,
    noautocmd = true,
  }
  window = vim.api.nvim_open_win(panel, false, vim.tbl_extend("error", place(), looks))
  vim.wo[window].wrap = false
  vim.api.nvim_create_autocmd(
    { "CursorMoved", "CursorMovedI", "TextChangedI", "TextChangedP", "BufEnter", "LspAttach" },
    {
      group = vim.api.nvim_create_augroup("minicopilot.why", { clear = true }),
      desc = "minicopilot: the panel follows the cursor",
      callback = function()
        if M.is_open() then
          update()
        else
          M.close()
          return true
        end
      end,
    }
  )
  update()
end

function M.toggle()
  if M.is_open() then
    M.close()
  else
    M.open()
  end
end

return M
