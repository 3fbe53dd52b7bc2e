-- Decides requests that are each on one GCRA counter, by the server's clock and in nanoseconds:
-- by far the most common call. Stands first, and makes none of what the other calls need.
--
-- KEYS  the counters, one for each ask
-- ARGV  for each ask:
--         count    how many requests, all alike; 0 to look only
--         fill time, price (cost * emission interval), in nanoseconds
--
-- Three numbers for a key are fewer than any other call has. Answers as the others are answered,
-- see check.lua, which decides the same by the same steps; and as there, times are split in two.

if #ARGV == 3 * #KEYS then
  local KEYS, ARGV, call, pcall, find, sub = KEYS, ARGV, redis.call, redis.pcall, string.find, string.sub
  local floor = math.floor
  -- The reply begins with the clock, so the one becomes the other.
  local reply = call('TIME')
  local s, n = reply[1] + 0, reply[2] * 1000
  local top = 2
  for i = 1, #KEYS do
    local key, at = KEYS[i], 3 * i
    -- How far the time found lies ahead of now. In the first second of 1970 is long ago.
    local ahead, wrong = 0, nil
    local text = pcall('GET', key)
    if text then
      if type(text) == 'table' then
        wrong = text.err
      elseif not find(text, '^%d+$') then
        wrong = 'not a time'
      elseif #text > 9 then
        ahead = (sub(text, 1, -10) - s) * 1e9 + (sub(text, -9) - n)
        if ahead < 0 then ahead = 0 end
      end
    end
    if wrong then
      reply[top + 1], reply[top + 2], reply[top + 3] = -1, 1, wrong
      top = top + 3
    else
      local fits, spare, price = ARGV[at - 2] + 0, ARGV[at - 1] - ahead, ARGV[at] + 0
      if spare < 0 then
        fits = 0
      elseif fits * price > spare then
        fits = floor(spare / price)
      end
      if fits * price > 0 then
        ahead = ahead + fits * price
        local nanos = n + ahead
        local carry = floor(nanos / 1e9)
        local time = string.format('%d%09d', s + carry, nanos - carry * 1e9)
        call('SET', key, time, 'PX', math.ceil(ahead / 1e6))
      end
      reply[top + 1], reply[top + 2] = fits, text
      top = top + 2
    end
  end
  return reply
end

