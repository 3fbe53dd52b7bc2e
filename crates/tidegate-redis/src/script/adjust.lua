-- Changes one counter in a way that is not a request.
--
-- KEYS[1]  the counter
-- ARGV     kind, at (as in a check), verb, and what the two want:
--
--   gcra    refund  unit, furthest (twice the fill time), price    all in units
--   gcra    debit   unit, furthest, price
--   queue   debit   unit, furthest, price
--   queue   settle  the time that the charge left behind, the time to put in its place (ns)
--   window  refund  limit, cost, period (microseconds), when it was charged (ns)
--   window  debit   limit, cost, period
--   counts, log     as window
--
-- Returns nil, or what is wrong with what the key holds. What is full afterwards by the server's
-- clock is deleted.
-- Twin of `refund`, `debit` and `settle` in tidegate-core.

local key, kind, verb = KEYS[1], ARGV[1], ARGV[3]
local s, n = clock_s, clock_n
if ARGV[2] ~= '' then s, n = split(ARGV[2]) end

local function change_time()
  local text = pcall('GET', key)
  if type(text) == 'table' then return text.err end
  local ts, tn = s, n
  if text then
    ts, tn = split(text)
    if not ts then return 'not a time' end
  end
  if verb == 'settle' then
    local left_s, left_n = split(ARGV[4])
    if text and ts == left_s and tn == left_n then
      ts, tn = split(ARGV[5])
      keep_time(key, ts, tn, s, n)
    end
    return
  end
  local unit, furthest, price = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local ahead = (ts - s) * (1e9 / unit) + ceil((tn - n) / unit)
  if ts < s or (ts == s and tn < n) then ts, tn, ahead = s, n, 0 end
  if kind == 'queue' and ahead > furthest then return end
  if ahead > furthest then
    ahead = furthest
    ts, tn = add(s, n, furthest, unit)
  end
  if verb == 'refund' then
    ts, tn = add(ts, tn, -price, unit)
  elseif ahead + price > furthest then
    ts, tn = add(s, n, furthest, unit)
  else
    ts, tn = add(ts, tn, price, unit)
  end
  keep_time(key, ts, tn, s, n)
end

if kind == 'gcra' or kind == 'queue' then return change_time() or false end

local by = windows()
local limit, cost, period = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now, rest = by.micros(s, n)
local charged, charged_rest
if verb == 'refund' and ARGV[7] then charged, charged_rest = by.micros(split(ARGV[7])) end

local function change_window()
  local index = floor(now / period)
  local text, used, found, raw = by.read_window(key, limit, index)
  if text == nil then return used end
  if verb == 'debit' then
    used = min(used + cost, max(2 * limit, used))
  elseif text and floor(charged / period) == index then
    -- What is given back beyond what was used is used less in the windows before.
    local borrowed = max(ceil((cost - raw) / limit), 0)
    index, used = found - borrowed, raw - cost + borrowed * limit
    if index < 0 then return call('DEL', key) and nil end
  else
    return
  end
  by.keep_window(key, limit, period, index, used, now)
end

local function change_counts()
  local text, w, previous, current = by.read_counts(key, period, now)
  if text == nil then return w end
  if verb == 'debit' then
    current = min(current + cost, 2 * limit, 4294967295) -- which fits 32 bits everywhere
  else
    local back = w - floor(charged / period)
    if back == 0 then current = max(current - cost, 0) end
    if back == 1 then previous = max(previous - cost, 0) end
  end
  by.keep_counts(key, period, w, previous, current, now)
end

local function change_log()
  local all, expired = by.read_log(key, period, now, rest)
  if not all then return expired end
  if verb == 'debit' then
    local units = min(cost, 2 * limit - (all - expired))
    if units <= 0 then return end
    local newest, nanos, number
    if all > expired then newest, nanos, number = by.entry(key, all - 1) end
    by.append(key, period, expired, units, now, rest, newest, nanos, number)
    return
  end
  local stop = by.entries_until(key, charged, charged_rest)
  if not stop then return 'not a log' end
  if stop > 0 then call('ZREMRANGEBYRANK', key, max(stop - cost, 0), stop - 1) end
  local left = call('ZCARD', key)
  if left == 0 then return end
  local newest, nanos = by.entry(key, left - 1)
  local span = newest + period - now + (nanos > rest and 1 or 0)
  local ttl = max(ceil(span / 1000), 0) + grace(now)
  if ttl == 0 then call('DEL', key) else call('PEXPIRE', key, ttl) end
end

local changes = { window = change_window, counts = change_counts, log = change_log }
return changes[kind]() or false
