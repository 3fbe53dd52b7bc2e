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

-- Reads a point in time, whose numbers stand from ARGV[at] on. Returns how many requests fit,
-- the text found, and the time from which what they take is counted; or nil and what is wrong.
local function look_time(key, kind, s, n, at, count)
  local unit, spare, price = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local text = pcall('GET', key)
  if text then
    if type(text) == 'table' then return nil, text.err end
    local ts, tn = split(text)
    if not ts then return nil, 'not a time' end
    if ts > s or (ts == s and tn > n) then
      spare = spare - (ts - s) * (1e9 / unit) - ceil((tn - n) / unit)
      s, n = ts, tn
    end
  end
  local fits = fit(spare, price, count)
  -- Whoever may wait need not fit: only the wait before must.
  if kind == 'queue' and spare >= 0 then fits = min(count, fits + 1) end
  return fits, text, s, n, price, unit
end

-- Decides an ask of any `n` counters, of which `count` requests are wanted.
local function decide_any(count, n)
  local counters, wrong, why = {}, nil, nil
  for i = 1, n do
    local kind, at = ARGV[a], ARGV[a + 1]
    local s, nanos = clock_s, clock_n
    if at ~= '' then s, nanos = split(at) end
    if not wrong then
      local c, fits, trouble
      if kind == 'gcra' or kind == 'queue' then
        local ts, tn, price, unit
        fits, trouble, ts, tn, price, unit = look_time(KEYS[k + i], kind, s, nanos, a + 2, count)
        c = { s, nanos, ts, tn, price, unit, trouble }
      else
        c = { kind = kind, s = s, n = nanos }
        fits, trouble = windows().look(c, KEYS[k + i], a + 2, count)
      end
      counters[i] = c
      if not fits then wrong, why = i, trouble else count = fits end
    end
    a = a + 5
  end
  if wrong then
    reply[top + 1], reply[top + 2], reply[top + 3] = -1, wrong, why
    top = top + 3
    return
  end
  top = top + 1
  reply[top] = count
  for i = 1, n do
    local c, key = counters[i], KEYS[k + i]
    if c.kind then
      top = windows().take(c, key, count, reply, top)
    else
      local s, nanos, ts, tn, price, unit, text = unpack(c)
      top = top + 1
      reply[top] = text
      if count * price > 0 then
        ts, tn = add(ts, tn, count * price, unit)
        keep_time(key, ts, tn, s, nanos)
      end
    end
  end
end

local last = #ARGV
while a < last do
  local count, n, kind = tonumber(ARGV[a]), ARGV[a + 1], ARGV[a + 2]
  a = a + 2
  if n == '1' and (kind == 'gcra' or kind == 'queue') then
    -- By far the most common ask: the same without tables.
    local at, s, nanos = ARGV[a + 1], clock_s, clock_n
    if at ~= '' then s, nanos = split(at) end
    local key = KEYS[k + 1]
    local fits, text, ts, tn, price, unit = look_time(key, kind, s, nanos, a + 2, count)
    if fits then
      reply[top + 1], reply[top + 2] = fits, text
      top = top + 2
      if fits * price > 0 then
        ts, tn = add(ts, tn, fits * price, unit)
        keep_time(key, ts, tn, s, nanos)
      end
    else
      reply[top + 1], reply[top + 2], reply[top + 3] = -1, 1, text
      top = top + 3
    end
    a, k = a + 5, k + 1
  else
    n = tonumber(n)
    decide_any(count, n)
    k = k + n
  end
end
return reply
