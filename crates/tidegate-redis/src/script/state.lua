-- What is kept for windows, counters and logs; and how it is read and written.
--
-- Periods are whole microseconds, so here time is counted in those, with the nanoseconds that
-- are left over (0 to 999) beside them. Microseconds stay below 2^53 until the year 2255; and
-- the quotient of two such numbers, rounded to a double, never reaches an integer that the
-- exact one does not, so floor and ceil of it are exact.

local function micros(s, n)
  return s * 1e6 + floor(n / 1000), n % 1000
end

-- Writes `value`, which means nothing any more when the time `due` (microseconds) has come.
local function keep(key, value, due, now)
  local left = ceil((due - now) / 1000)
  if left <= 0 then return call('DEL', key) end
  call('SET', key, value, 'PX', left)
end

-- Fixed window: INDEX:USED. Units beyond the limit are debt, and spill into later windows.
-- Returns the text found, and the units used in the window of now; or nil and what is wrong.
local function read_window(key, limit, index)
  local text = pcall('GET', key)
  if not text then return false, 0 end
  if type(text) == 'table' then return nil, text.err end
  local i, used = match(text, '^(%d+):(%d+)$')
  if not i then return nil, 'not a window count' end
  return text, max(used + (i - index) * limit, 0)
end

local function keep_window(key, limit, period, index, used, now)
  local due = (index + ceil(used / limit)) * period
  keep(key, format('%.0f:%.0f', index, used), due, now)
end

-- Sliding window counter: WINDOW:PREVIOUS:CURRENT. Counts of a window that is yet to come
-- stay as they are. Returns the text found and the three numbers as of now.
local function read_counts(key, period, now)
  local index = floor(now / period)
  local text = pcall('GET', key)
  if not text then return false, index, 0, 0 end
  if type(text) == 'table' then return nil, text.err end
  local w, p, c = match(text, '^(%d+):(%d+):(%d+)$')
  if not w then return nil, 'not a pair of counts' end
  w, p, c = tonumber(w), tonumber(p), tonumber(c)
  if index == w + 1 then return text, index, c, 0 end
  if index > w then return text, index, 0, 0 end
  return text, w, p, c
end

local function keep_counts(key, period, w, p, c, now)
  if p == 0 and c == 0 then return call('DEL', key) end
  keep(key, format('%.0f:%.0f:%.0f', w, p, c), (w + (c > 0 and 2 or 1)) * period, now)
end

-- The units of the previous window that are in view, rounded up: p * (W - e) / W.
local function in_view(p, period, w, now, rest)
  local elapsed = now - w * period
  if p == 0 or elapsed < 0 then return p end
  -- W - e, as microseconds and the nanoseconds beside them.
  local view, more = period - elapsed, 0
  if rest > 0 then view, more = view - 1, 1000 - rest end
  local q, r = 0, 0
  if p * view < 9e15 then
    q = floor(p * view / period)
    r = p * view - q * period
  else -- long multiplication and division, a bit at a time
    for bit = 33, 0, -1 do
      q, r = q * 2, r * 2
      if floor(p / 2 ^ bit) % 2 == 1 then r = r + view end
      local whole = floor(r / period)
      q, r = q + whole, r - whole * period
    end
  end
  return q + ceil((r + ceil(p * more / 1000)) / period)
end

-- Sliding window log: a sorted set. The score is an entry's time in microseconds, the member
-- `1`, three digits of nanoseconds, and a number of fifteen digits that is higher than that of
-- any entry before it: so members are unique, in order of time, and fit an integer.
local function entry(key, rank)
  local found = call('ZRANGE', key, rank, rank, 'WITHSCORES')
  local rest, number = match(found[1] or '', '^1(%d%d%d)(%d+)$')
  if rest then return tonumber(found[2]), tonumber(rest), tonumber(number) end
end

-- How many of the oldest entries are not later than a time; nil if one is not an entry.
local function entries_until(key, micro, rest)
  local low, high = 0, call('ZCOUNT', key, '-inf', micro)
  if high == 0 then return 0 end
  local score, nanos = entry(key, high - 1)
  if not score then return end
  if score < micro or nanos <= rest then return high end
  low = call('ZCOUNT', key, '-inf', '(' .. format('%.0f', micro))
  while low < high do
    local middle = floor((low + high) / 2)
    score, nanos = entry(key, middle)
    if not score then return end
    if nanos <= rest then low = middle + 1 else high = middle end
  end
  return low
end

-- Returns how many entries there are, and how many of them have expired; or nil and what is
-- wrong.
local function read_log(key, period, now, rest)
  local all = pcall('ZCARD', key)
  if type(all) == 'table' then return nil, all.err end
  if all == 0 then return 0, 0 end
  if not entry(key, all - 1) then return nil, 'not a log' end
  local expired = entries_until(key, now - period, rest)
  if not expired then return nil, 'not a log' end
  return all, expired
end

-- Drops the expired entries and appends `units`, not before the newest entry, which is given
-- by its time and number, or as nil when none is left.
local function append(key, period, expired, units, now, rest, newest, nanos, number)
  if expired > 0 then call('ZREMRANGEBYRANK', key, 0, expired - 1) end
  local left = period
  if not newest then
    number = 0
  elseif newest > now or (newest == now and nanos > rest) then
    left = period + (newest - now) + (nanos > rest and 1 or 0)
    now, rest = newest, nanos
  end
  local score = format('%.0f', now)
  while units > 0 do
    local chunk = {}
    for index = 1, min(units, 1000) do
      number = number + 1
      chunk[2 * index - 1] = score
      chunk[2 * index] = format('1%03d%015.0f', rest, number)
    end
    call('ZADD', key, unpack(chunk))
    units = units - 1000
  end
  call('PEXPIRE', key, ceil(left / 1000))
end
