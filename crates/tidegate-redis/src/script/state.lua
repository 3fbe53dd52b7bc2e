-- What is kept for windows, counters and logs; and how it is read and written.
--
-- Periods are whole microseconds, so here time is counted in those, with the nanoseconds that
-- are left over (0 to 999) beside them. Microseconds stay below 2^53 until the year 2255; and
-- the quotient of two such numbers, rounded to a double, never reaches an integer that the
-- exact one does not, so floor and ceil of it are exact.

-- All of it is made when the first counter of this kind comes: most calls have none.
local made
local function windows()
  if made then return made end

  local function micros(s, n)
    return s * 1e6 + floor(n / 1000), n % 1000
  end

  -- Writes `value`, which means nothing any more when the time `due` (microseconds) has come.
  local function keep(key, value, due, now)
    local left = max(ceil((due - now) / 1000), 0) + grace(now)
    if left == 0 then return call('DEL', key) end
    call('SET', key, value, 'PX', left)
  end

  -- Fixed window: INDEX:USED. Units beyond the limit are debt, and spill into later windows.
  -- Returns the text found, the units used in the window of now, and the two numbers as they
  -- are; or nil and what is wrong.
  local function read_window(key, limit, index)
    local text = pcall('GET', key)
    if not text then return false, 0 end
    if type(text) == 'table' then return nil, text.err end
    local i, used = match(text, '^(%d+):(%d+)$')
    if not i then return nil, 'not a window count' end
    i, used = tonumber(i), tonumber(used)
    return text, max(used + (i - index) * limit, 0), i, used
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
    if p == 0 and c == 0 and grace(now) == 0 then return call('DEL', key) end
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
    local more = grace(now)
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
    call('PEXPIRE', key, ceil(left / 1000) + more)
  end

  -- Reads a counter, whose numbers stand from ARGV[at] on, for a check. Adds what is needed to
  -- take from it to `c`; returns how many requests fit, or nil and what is wrong.
  local function look(c, key, at, count)
    local limit, cost, period = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local now, rest = micros(c.s, c.n)
    c.limit, c.price, c.period, c.now, c.rest = limit, cost, period, now, rest
    local used
    if c.kind == 'window' then
      c.index = floor(now / period)
      c.found, used = read_window(key, limit, c.index)
      if c.found == nil then return nil, used end
      c.used = used
    elseif c.kind == 'counts' then
      local text, w, previous, current = read_counts(key, period, now)
      if text == nil then return nil, w end
      c.found, c.w, c.previous, c.current = text, w, previous, current
      used = current + in_view(previous, period, w, now, rest)
    else
      local all, expired = read_log(key, period, now, rest)
      if not all then return nil, expired end
      used = all - expired
      c.live, c.expired = used, expired
    end
    if used > limit then return 0 end
    if cost == 0 then return count end
    return min(count, floor((limit - used) / cost))
  end

  -- Puts the entries of a log that a decision is made of into `reply`, after `top`. Returns
  -- the new top, and the newest entry.
  local function tell(c, key, units, reply, top)
    local live, at, told = c.live, top + 2, 0
    local function add_entry(position)
      local score, rest, number = entry(key, c.expired + position)
      reply[at + 1], reply[at + 2] = position, format('%.0f%03d', score or 0, rest or 0)
      at, told = at + 2, told + 1
      return score, rest, number
    end
    local newest, nanos, number
    if live > 0 then
      newest, nanos, number = add_entry(live - 1)
      local next_out = max(live - c.limit, 0)
      if next_out < live - 1 then add_entry(next_out) end
      local last_out = live + units - (c.limit - c.price) - 1
      if last_out >= 0 and last_out < live - 1 and last_out ~= next_out then add_entry(last_out) end
    end
    reply[top + 1], reply[top + 2] = live, told
    return at, newest, nanos, number
  end

  -- Takes what `granted` requests cost, if anything, and puts the state found into `reply`,
  -- after `top`. Returns the new top.
  local function take(c, key, granted, reply, top)
    local units = granted * c.price
    if c.kind == 'log' then
      local newest, nanos, number
      top, newest, nanos, number = tell(c, key, units, reply, top)
      if units > 0 then
        append(key, c.period, c.expired, units, c.now, c.rest, newest, nanos, number)
      end
      return top
    end
    reply[top + 1] = c.found
    if units > 0 then
      if c.kind == 'window' then
        keep_window(key, c.limit, c.period, c.index, c.used + units, c.now)
      else
        keep_counts(key, c.period, c.w, c.previous, c.current + units, c.now)
      end
    end
    return top + 1
  end

  made = {
    micros = micros, read_window = read_window, keep_window = keep_window,
    read_counts = read_counts, keep_counts = keep_counts, entry = entry,
    entries_until = entries_until, read_log = read_log, append = append,
    look = look, take = take,
  }
  return made
end
