"""What runs within Redis: a batch with its place, in one step.

Keys are made from their parts, so it is not for Redis Cluster.
"""

APPLY = """
local name = KEYS[1]
if (redis.call('HGET', name, 'place') or '') ~= ARGV[1] then return 0 end
local held, held_log, held_s = ARGV[8], ARGV[9], ARGV[10]
local known, newest = name .. ':keys', name .. ':latest'

-- The member of a set of rounds that begins with this id.
local function find(key, id)
  local start = '{"id":' .. id .. ','
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if string.sub(member, 1, #start) == start then return member end
  end
  return nil
end

local function drop(key, id)
  local member = find(key, id)
  if member then redis.call('ZREM', key, member) end
end

local function put(key, score, document)
  if redis.call('ZADD', key, score, document) == 1 then
    local size = redis.call('ZCARD', key)
    if size == 1 then redis.call('SADD', known, key) end
    if size > tonumber(held) + 1 then redis.call('ZREMRANGEBYRANK', key, 0, -tonumber(held) - 2) end
  end
end

local function is_newer(slug, score, id)
  local mark = redis.call('HGET', newest, slug)
  if not mark then return true end
  local at, other = string.match(mark, '^(-?%d+):(-?%d+)$')
  at, other = tonumber(at), tonumber(other)
  return score > at or (score == at and id >= other)
end

local function set_latest(slug, score, id, document)
  redis.call('SET', 'latest:' .. slug, document)
  redis.call('HSET', newest, slug, score .. ':' .. id)
  redis.call('SADD', known, 'latest:' .. slug)
end

-- After a round went or changed: the newest of what the history holds.
local function find_latest(slug)
  local key = 'history:' .. slug
  local top = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('HDEL', newest, slug)
  redis.call('DEL', 'latest:' .. slug)
  if #top == 0 then return end
  local best, best_id = nil, nil
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, top[2], top[2])) do
    local id = tonumber(string.match(member, '^{"id":(-?%d+),'))
    if not best or id > best_id then best, best_id = member, id end
  end
  set_latest(slug, top[2], string.match(best, '^{"id":(-?%d+),'), best)
end

if ARGV[7] == '1' then
  for _, key in ipairs(redis.call('SMEMBERS', known)) do redis.call('DEL', key) end
  redis.call('DEL', known, newest, name .. ':log')
  redis.call('HSET', name, 'floor', ARGV[11])
end

local i = 12
while i <= #ARGV do
  local kind, id, slug, type = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local score, document = ARGV[i + 4], ARGV[i + 5]
  local position, envelope, rooms = ARGV[i + 6], ARGV[i + 7], tonumber(ARGV[i + 8])
  local of_game, of_type = 'history:' .. slug, 'history:type:' .. type
  if kind == 'corrected' or kind == 'removed' then
    drop(of_game, id)
    drop(of_type, id)
  end
  if kind ~= 'removed' then
    put(of_game, score, document)
    put(of_type, score, document)
  end
  if kind == 'finished' or kind == 'known' then
    if is_newer(slug, tonumber(score), tonumber(id)) then set_latest(slug, score, id, document) end
  else
    find_latest(slug)
  end
  if kind == 'finished' then redis.call('SET', 'processed:' .. id, '1', 'EX', held_s) end
  if position ~= '' then
    local names = table.concat(ARGV, ' ', i + 9, i + 8 + rooms)
    redis.call('XADD', name .. ':log', 'MAXLEN', '~', held_log, position .. '-0',
               'e', envelope, 'r', names)
    for n = i + 9, i + 8 + rooms do
      local room = name .. ':room:' .. ARGV[n]
      redis.call('XADD', room, 'MAXLEN', held, position .. '-0', 'e', envelope, 'r', names)
      if redis.call('XLEN', room) == 1 then redis.call('SADD', known, room) end
    end
    if kind ~= 'removed' then redis.call('PUBLISH', 'stream:' .. slug, document) end
  end
  i = i + 9 + rooms
end

redis.call('HSET', name, 'place', ARGV[2], 'order', ARGV[3], 'epoch', ARGV[4], 'head', ARGV[5],
           'ready', ARGV[6])
return 1
"""

# From the newest on, a page at a time: who comes back has mostly not been away for long.
FIND = """
local last = '+'
while true do
  local page = redis.call('XREVRANGE', KEYS[1], last, '-', 'COUNT', 100)
  for _, entry in ipairs(page) do
    if string.sub(entry[2][2], 1, #ARGV[1]) == ARGV[1] then return entry[1] end
  end
  if #page < 100 then return false end
  last = '(' .. page[#page][1]
end
"""
