"""What Redis does in one step. Times are Redis' own, in milliseconds, so all processes agree.

Keys, all below REDIS_NAMESPACE: `presence:processes` (sorted set: process by its last beat),
`presence:of:{process}` (set of rooms), `presence:in:{room}` (set of processes),
`presence:in:{room}:by:{process}` (hash: client to user, line feed, info), and `values:{prefix}`
(sorted set: keys of last values by the time at which they end).
"""

_CLOCK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

# KEYS: processes. ARGV: presence prefix, process, then room, client and value of each member.
ENTER = (
    _CLOCK
    + """
redis.call('ZADD', KEYS[1], now, ARGV[2])
for i = 3, #ARGV, 3 do
  redis.call('SADD', ARGV[1] .. 'of:' .. ARGV[2], ARGV[i])
  redis.call('SADD', ARGV[1] .. 'in:' .. ARGV[i], ARGV[2])
  redis.call('HSET', ARGV[1] .. 'in:' .. ARGV[i] .. ':by:' .. ARGV[2], ARGV[i + 1], ARGV[i + 2])
end
"""
)

# KEYS: processes. ARGV: presence prefix, process, then room and client of each member.
LEAVE = """
for i = 3, #ARGV, 2 do
  local there = ARGV[1] .. 'in:' .. ARGV[i] .. ':by:' .. ARGV[2]
  redis.call('HDEL', there, ARGV[i + 1])
  if redis.call('EXISTS', there) == 0 then
    redis.call('SREM', ARGV[1] .. 'in:' .. ARGV[i], ARGV[2])
    redis.call('SREM', ARGV[1] .. 'of:' .. ARGV[2], ARGV[i])
  end
end
"""

_REMOVE = """
local function remove(process)
  local rooms = ARGV[1] .. 'of:' .. process
  for _, room in ipairs(redis.call('SMEMBERS', rooms)) do
    redis.call('UNLINK', ARGV[1] .. 'in:' .. room .. ':by:' .. process)
    redis.call('SREM', ARGV[1] .. 'in:' .. room, process)
  end
  redis.call('UNLINK', rooms)
  redis.call('ZREM', KEYS[1], process)
end
"""

# KEYS: processes. ARGV: presence prefix, process, life in ms. 1 if the process was known.
BEAT = (
    _CLOCK
    + _REMOVE
    + """
local known = redis.call('ZSCORE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[2])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[3]), 'LIMIT', 0, 10)
for _, process in ipairs(dead) do
  remove(process)
end
return known and 1 or 0
"""
)

# KEYS: processes. ARGV: presence prefix, process.
END = _REMOVE + "remove(ARGV[2])"

# KEYS: processes. ARGV: presence prefix, life in ms, room. Client and value in turn.
MEMBERS = (
    _CLOCK
    + """
local found = {}
for _, process in ipairs(redis.call('SMEMBERS', ARGV[1] .. 'in:' .. ARGV[3])) do
  local beaten_at = redis.call('ZSCORE', KEYS[1], process)
  if beaten_at and now - beaten_at <= tonumber(ARGV[2]) then
    local held = redis.call('HGETALL', ARGV[1] .. 'in:' .. ARGV[3] .. ':by:' .. process)
    for _, word in ipairs(held) do found[#found + 1] = word end
  end
end
return found
"""
)

# ARGV: index prefix, life in ms, then key and value of each.
PUT = (
    _CLOCK
    + """
local index
for i = 3, #ARGV, 2 do
  redis.call('SET', ARGV[i], ARGV[i + 1], 'PX', ARGV[2])
  index = ARGV[1] .. string.match(ARGV[i], '^[^:]*:')
  redis.call('ZADD', index, now + ARGV[2], ARGV[i])
end
if index then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  redis.call('PEXPIRE', index, ARGV[2])
end
"""
)

# ARGV: index. The keys that live.
LIVE = _CLOCK + "return redis.call('ZRANGEBYSCORE', ARGV[1], '(' .. now, '+inf')"
