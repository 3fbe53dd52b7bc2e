-- Times as two numbers, shared by the scripts that follow.
--
-- Nanoseconds since 1970 do not fit a Lua number, which is a double and exact up to 2^53 only.
-- A point in time is therefore kept as whole seconds and nanoseconds below 10^9; written to
-- a key as one decimal string of nanoseconds. A span is counted in units of 1 or 1000 ns,
-- chosen by the client so that twice the longest span of a limit stays below 2^53.

local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
local format, sub, find, match = string.format, string.sub, string.find, string.match
local call, pcall = redis.call, redis.pcall
local KEYS, ARGV, tonumber, type = KEYS, ARGV, tonumber, type

local clock = call('TIME')
local clock_s, clock_n = tonumber(clock[1]), tonumber(clock[2]) * 1000
local clock_us = clock_s * 1e6 + tonumber(clock[2])

-- Milliseconds that a key outlasts its meaning as of `us`, the microseconds of a decision's
-- time. None by the server's own clock. But clients who tell the time do not agree on it: what
-- is over for one may still count for the next, who would find a fresh counter in its place.
local function grace(us)
  return us == clock_us and 0 or 60000
end

-- Seconds and nanoseconds of a decimal string; nil for other text.
local function split(text)
  if not find(text, '^%d+$') then return end
  return tonumber(sub(text, 1, -10)) or 0, tonumber(sub(text, -9))
end

-- A point in time plus or minus a span of `x` units.
local function add(s, n, x, unit)
  local per = 1e9 / unit
  local carry = floor(x / per)
  n = n + (x - carry * per) * unit
  if n >= 1e9 then return s + carry + 1, n - 1e9 end
  return s + carry, n
end

-- Writes a point in time, for as long as it lies ahead of now.
local function keep_time(key, ts, tn, s, n)
  local left = max((ts - s) * 1000 + ceil((tn - n) / 1e6), 0) + grace(s * 1e6 + n / 1000)
  if left == 0 or ts < 0 then return call('DEL', key) end
  call('SET', key, format('%d%09d', ts, tn), 'PX', left)
end
