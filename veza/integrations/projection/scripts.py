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

-- What is done once for all rounds of the batch: sets and streams are trimmed in the end, and of
-- the newest rounds only the last is written.
local histories, streams, latest = {}, {}, {}

local function put(key, score, document)
  histories[key] = true
  redis.call('ZADD', key, score, document)
end

local function newest_of(slug)
  if latest[slug] then return latest[slug] end
  local mark = redis.call('HGET', newest, slug)
  if not mark then return nil end
  local at, id = string.match(mark, '^(-?%d+):(-?%d+)$')
  latest[slug] = {tonumber(at), tonumber(id), nil, mark}
  return latest[slug]
end

local function is_newer(slug, score, id)
  local known_as = newest_of(slug)
  return not known_as or score > known_as[1] or (score == known_as[1] and id >= known_as[2])
end

local function set_latest(slug, score, id, document)
  latest[slug] = {tonumber(score), tonumber(id), document, score .. ':' .. id}
end

local function write_latest()
  for slug, last in pairs(latest) do
    if last[3] then
      redis.call('SET', 'latest:' .. slug, last[3])
      redis.call('HSET', newest, slug, last[4])
      redis.call('SADD', known, 'latest:' .. slug)
    end
  end
end

-- After a round went or changed: the newest of what the history holds.
local function find_latest(slug)
  local key = 'history:' .. slug
  local top = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  latest[slug] = nil
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
    redis.call('XADD', name .. ':log', position .. '-0', 'e', envelope, 'r', names)
    for n = i + 9, i + 8 + rooms do
      local room = name .. ':room:' .. ARGV[n]
      streams[room] = true
      redis.call('XADD', room, position .. '-0', 'e', envelope, 'r', names)
    end
    if kind ~= 'removed' then redis.call('PUBLISH', 'stream:' .. slug, document) end
  end
  i = i + 9 + rooms
end

write_latest()
for key in pairs(histories) do
  redis.call('SADD', known, key)
  redis.call('ZREMRANGEBYRANK', key, 0, -tonumber(held) - 2)
end
for room in pairs(streams) do
  redis.call('SADD', known, room)
  redis.call('XTRIM', room, 'MAXLEN', held)
end
redis.call('XTRIM', name .. ':log', 'MAXLEN', '~', held_log)
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
