-- Decides requests, in order, and takes what they cost: all counters of a request or none.
--
-- KEYS  the counters of all asks, in order
-- ARGV  for each ask:
--         count    how many requests, all alike; 0 to look only
--         n        how many counters
--       then for each of the n counters:
--         kind     see below
--         at       the time to decide by, nanoseconds since 1970; '' for the server's clock
--         three or four numbers, as the kind wants them:
--
--   gcra     unit (ns, 1 or 1000), fill time, price (cost * emission interval), in units
--   queue    unit, the longest wait, price
--   window   limit, cost, period (microseconds)
--   counts   limit, cost, period
--   log      limit, cost, period
--
-- Returns one flat list: seconds and microseconds of the server's clock, then for each ask
--   granted  how many requests were admitted, and for each counter the state found: nil or the
--            key's text; for a log the number of live entries, of entries told, and for each
--            its position among the live ones and its time;
--   or -1, the position of a counter (from 1) that holds something else, and what is wrong.
--
-- Nothing is written for an ask of which nothing is admitted. Twin of the algorithms in
-- tidegate-core; the tests compare the two.

local reply = { clock[1], clock[2] }
local top, a, k = 2, 1, 0

-- How many requests of `price` fit into `spare`.
local function fit(spare, price, count)
  if spare < 0 then return 0 end
  if price == 0 then return count end
  return min(count, floor(spare / price))
end

-- Reads one counter. Adds what is needed to take from it to `c`; returns how many requests
-- fit, or nil and what is wrong.
local function look(c, kind, key, count)
  local s, n = c.s, c.n
  local first, second, third = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  c.price = third
  if kind == 'gcra' or kind == 'queue' then
    c.unit = first
    local text = pcall('GET', key)
    if type(text) == 'table' then return nil, text.err end
    c.found = text
    local ahead = 0
    if text then
      local ts, tn = split(text)
      if not ts then return nil, 'not a time' end
      ahead = (ts - s) * (1e9 / first) + ceil((tn - n) / first)
      if ts > s or (ts == s and tn > n) then c.s, c.n = ts, tn else ahead = 0 end
    end
    if kind == 'gcra' then return fit(second - ahead, third, count) end
    if ahead > second then return 0 end
    return min(count, fit(second - ahead, third, count) + 1)
  end

  local now, rest = micros(s, n)
  c.limit, c.price, c.period, c.now, c.rest = first, second, third, now, rest
  if kind == 'window' then
    c.index = floor(now / third)
    local text, used = read_window(key, first, c.index)
    if text == nil then return nil, used end
    c.found, c.used = text, used
    return fit(first - used, second, count)
  elseif kind == 'counts' then
    local text, w, previous, current = read_counts(key, third, now)
    if text == nil then return nil, w end
    c.found, c.w, c.previous, c.current = text, w, previous, current
    return fit(first - current - in_view(previous, third, w, now, rest), second, count)
  end
  local all, expired = read_log(key, third, now, rest)
  if not all then return nil, expired end
  c.live, c.expired = all - expired, expired
  return fit(first - c.live, second, count)
end

-- Tells the entries of a log that a decision is made of, and returns the newest.
local function tell(c, key, units)
  local live, at, told = c.live, top + 2, 0
  local newest, nanos, number
  reply[top + 1] = live
  local function add_entry(position)
    local score, rest, seq = entry(key, c.expired + position)
    reply[at + 1], reply[at + 2] = position, format('%.0f%03d', score or 0, rest or 0)
    at, told = at + 2, told + 1
    return score, rest, seq
  end
  if live > 0 then
    newest, nanos, number = add_entry(live - 1)
    local next_out = max(live - c.limit, 0)
    if next_out < live - 1 then add_entry(next_out) end
    local last_out = live + units - (c.limit - c.price) - 1
    if last_out >= 0 and last_out < live - 1 and last_out ~= next_out and c.price <= c.limit then
      add_entry(last_out)
    end
  end
  reply[top + 2] = told
  top = at
  return newest, nanos, number
end

-- Takes what `granted` requests cost, if anything, and tells the state found.
local function take(c, kind, key, granted)
  local units = granted * c.price
  if kind == 'log' then
    local newest, nanos, number = tell(c, key, units)
    if units > 0 then
      append(key, c.period, c.expired, units, c.now, c.rest, newest, nanos, number)
    end
    return
  end
  top = top + 1
  reply[top] = c.found
  if units == 0 then return end
  if kind == 'gcra' or kind == 'queue' then
    local ts, tn = add(c.s, c.n, units, c.unit)
    keep_time(key, ts, tn, c.at_s, c.at_n)
  elseif kind == 'window' then
    keep_window(key, c.limit, c.period, c.index, c.used + units, c.now)
  else
    keep_counts(key, c.period, c.w, c.previous, c.current + units, c.now)
  end
end

local last = #ARGV
while a < last do
  local granted, n = tonumber(ARGV[a]), tonumber(ARGV[a + 1])
  local counters, wrong, why = {}, nil, nil
  a = a + 2
  for i = 1, n do
    local kind, at = ARGV[a], ARGV[a + 1]
    local s, nanos = clock_s, clock_n
    if at ~= '' then s, nanos = split(at) end
    local c = { kind = kind, s = s, n = nanos, at_s = s, at_n = nanos }
    if not wrong then
      local fits, trouble = look(c, kind, KEYS[k + i], granted)
      if not fits then wrong, why = i, trouble else granted = fits end
    end
    counters[i] = c
    a = a + 5
  end
  if wrong then
    reply[top + 1], reply[top + 2], reply[top + 3] = -1, wrong, why
    top = top + 3
  else
    top = top + 1
    reply[top] = granted
    for i = 1, n do take(counters[i], counters[i].kind, KEYS[k + i], granted) end
  end
  k = k + n
end
return reply
