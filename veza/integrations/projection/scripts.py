"""What runs within Redis: a batch with its place, in one step.

Keys are made from their parts, so it is not for Redis Cluster. What many rounds of a batch do alike
is gathered and done by one command, because each command has its price, also in the append-only
file. A message of the feed is a line: its position, its rooms, its envelope. The log is a stream
of pieces `<last position>-<count>`, each of several lines; a room is a list of lines.
"""

APPLY = """
local name = KEYS[1]
if (redis.call('HGET', name, 'place') or '') ~= ARGV[1] then return 0 end
local held, held_log, held_s, every = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], ARGV[11]
local floor = ARGV[12]
local known, newest, log = name .. ':keys', name .. ':latest', name .. ':lines'
local PIECE, MOST, SLACK = 50, 2000, 100

-- One command for many values, or a few, because Lua's stack is not endless; its last answer.
local function give(command, key, values)
  local answer = 0
  for first = 1, #values, MOST do
    answer = redis.call(command, key, unpack(values, first, math.min(first + MOST - 1, #values)))
  end
  return answer
end

local function list_of(lists, key)
  if not lists[key] then lists[key] = {} end
  return lists[key]
end

-- What is done once for all rounds of the batch: they are put into histories together, these and
-- rooms are trimmed in the end, and of the newest rounds only the last is written.
local waiting, histories, lines, told, rooms_of, latest, keys = {}, {}, {}, {}, {}, {}, {}

local function put(key, score, document)
  histories[key] = true
  local list = list_of(waiting, key)
  list[#list + 1] = score
  list[#list + 1] = document
end

local function settle(key)
  if waiting[key] then
    give('ZADD', key, waiting[key])
    waiting[key] = nil
  end
end

-- The member of a set of rounds that begins with this id.
local function find(key, id)
  local start = '{"id":' .. id .. ','
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if string.sub(member, 1, #start) == start then return member end
  end
  return nil
end

local function drop(key, id)
  settle(key)
  local member = find(key, id)
  if member then redis.call('ZREM', key, member) end
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
      keys[#keys + 1] = 'latest:' .. slug
    end
  end
end

-- After a round went or changed: the newest of what the history holds.
local function find_latest(slug)
  local key = 'history:' .. slug
  settle(key)
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

-- The log has all messages, so the room of all needs no list of its own.
local function tell(line, names)
  lines[#lines + 1] = line
  local rooms = rooms_of[names]
  if not rooms then
    rooms = {}
    for room in string.gmatch(names, '[^ ]+') do
      if room ~= every then rooms[#rooms + 1] = log .. ':' .. room end
    end
    rooms_of[names] = rooms
  end
  for _, room in ipairs(rooms) do
    local list = list_of(told, room)
    list[#list + 1] = line
  end
end

local function write_told()
  for first = 1, #lines, PIECE do
    local last = math.min(first + PIECE - 1, #lines)
    local id = string.match(lines[last], '^%d+') .. '-' .. (last - first + 1)
    redis.call('XADD', log, id, 'e', table.concat(lines, '\\n', first, last))
  end
  for room, list in pairs(told) do
    if give('RPUSH', room, list) > held + SLACK then redis.call('LTRIM', room, -held, -1) end
    keys[#keys + 1] = room
  end
end

if ARGV[7] == '1' then
  for _, key in ipairs(redis.call('SMEMBERS', known)) do redis.call('DEL', key) end
  redis.call('DEL', known, newest, log)
  redis.call('HSET', name, 'floor', floor)
elseif redis.call('EXISTS', log) == 0 then  -- nothing before this can be read
  redis.call('HSET', name, 'floor', floor)
end

for i = 13, #ARGV, 8 do
  local kind, id, slug, type = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local score, document, line, names = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
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
  if line ~= '' then
    tell(line, names)
    if kind ~= 'removed' then redis.call('PUBLISH', 'stream:' .. slug, document) end
  end
end

write_latest()
write_told()
for key in pairs(histories) do
  settle(key)
  keys[#keys + 1] = key
  redis.call('ZREMRANGEBYRANK', key, 0, -held - 2)
end
give('SADD', known, keys)
redis.call('XTRIM', log, 'MINID', '~', math.max(0, tonumber(ARGV[5]) - held_log))
redis.call('HSET', name, 'place', ARGV[2], 'order', ARGV[3], 'epoch', ARGV[4], 'head', ARGV[5],
           'ready', ARGV[6])
return 1
"""
