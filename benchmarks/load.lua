-- What wrk sends: wallet calls, each thread one connection and rounds of its own, at once or on a timetable.
--
-- The environment names the SCENARIO, the number of THREADS, the PLAYERS, the RUN's name,
-- and the RATE, calls a second of each thread; 0 means that a call follows the answer to the last one (closed loop).
-- On a timetable a late call counts from when it was due, so a stall is not hidden (open loop). Under OVERLOAD it counts
-- from when it was sent, as a caller's patience does: that the load is more than can be sent is meant.
-- Latencies of the first RAMP seconds are not told: opening the connections is no part of a load that goes on.
-- Replays repeat the first REPEATED rounds of each thread.
-- At the end: one line of JSON with how many answers were good, how many told to come again (998) and how many were
-- anything else, and the percentiles of the first two kinds' latencies in microseconds.

local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long ns; } instant; int clock_gettime(int, instant *);")
local instant = ffi.new("instant")

local function now() -- microseconds of the monotonic clock
  ffi.C.clock_gettime(1, instant)
  return tonumber(instant.s) * 1e6 + tonumber(instant.ns) / 1e3
end

local CURRENCIES = { "USD", "EUR", "GBP", "JPY", "BRL" } -- as wallet_service/cli/seed.sql gives them to the players
local STEPS = 1.02 -- each latency bucket is 2 % wider than the one before

local scenario, run = os.getenv("SCENARIO"), os.getenv("RUN")
local of, players = tonumber(os.getenv("THREADS")), tonumber(os.getenv("PLAYERS"))
local is_overload = os.getenv("OVERLOAD") == "yes"
local rate, repeated = tonumber(os.getenv("RATE")), tonumber(os.getenv("REPEATED"))

wrk.headers["Content-Type"] = "application/json"

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init()
  sent, good, shed, bad, good_after, shed_after, complaint = 0, 0, 0, 0, {}, {}, ""
  math.randomseed(number + 1)
  next_due = now() + (rate > 0 and math.random() * 1e6 / rate or 0)
  told_from = now() + tonumber(os.getenv("RAMP")) * 1e6
end

local function player_of(round)
  local index = (round - 1) % players
  return string.format("seed-%07d", index + 1), CURRENCIES[index % 5 + 1]
end

local function body(fields)
  local parts = {}
  for name, value in pairs(fields) do
    parts[#parts + 1] = string.format('"%s":"%s"', name, value)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function call(method, round, fields)
  local player, currency = player_of(round)
  if scenario == "hot" then
    player, currency = player_of(1)
  end
  fields.providerId, fields.userId, fields.currency = "LM", player, currency
  fields.uuid = string.format("%s-%d-%d", run, number, sent)
  fields.sessionId = method ~= "Refund" and "session-of-the-benchmark" or nil
  fields.gameId = method ~= "Balance" and "game-7" or nil
  fields.gameName = fields.gameId and "Game 7" or nil
  if method == "Bet" or method == "Result" then
    fields.roundDetails, fields.timestamp = "spin", "1767225600000"
  end
  return wrk.format("POST", wrk.path:gsub("METHOD", method), nil, body(fields))
end

local function fresh() -- the next round of this thread
  return 1 + number + of * sent
end

local function bet(round)
  return call("Bet", round, { roundId = run .. "-" .. round, reference = run .. "-b" .. round, amount = "1.00" })
end

local scenarios = {}

local function refund(round)
  return call("Refund", round, { roundId = run .. "-" .. round, reference = run .. "-b" .. round })
end

function scenarios.refund()
  return refund(fresh())
end

function scenarios.replay()
  return refund(1 + number + of * (sent % repeated))
end

function scenarios.bet()
  return bet(fresh())
end

scenarios.hot = scenarios.bet

function scenarios.mix() -- Balance 40, Bet 30, Result 28, Cancel 1, Refund 1 of a hundred
  local place = sent % 10
  if place == 0 or place == 3 or place == 6 or place == 9 then
    return call("Balance", fresh(), {})
  elseif place == 1 or place == 4 or place == 7 then
    last = fresh()
    return bet(last)
  elseif not is_good then -- the game does not go on without its bet
    return bet(last)
  end
  if sent % 100 == 2 then
    return call("Cancel", last, { roundId = run .. "-" .. last, reference = run .. "-b" .. last })
  elseif sent % 100 == 52 then
    return refund(last)
  end
  return call("Result", last, { roundId = run .. "-" .. last, reference = run .. "-r" .. last, amount = "0.50" })
end

if rate > 0 then -- where wrk finds this function, it waits before each call
  function delay() -- milliseconds
    return math.max(0, math.floor((next_due - now()) / 1000))
  end
end

function request()
  local text = scenarios[scenario]()
  sent = sent + 1
  began = now()
  if rate > 0 then
    if not is_overload then began = math.min(began, next_due) end
    next_due = next_due - math.log(1 - math.random()) * 1e6 / rate
  end
  return text
end

function response(status, _, answer)
  is_good = status == 200 and answer:find('"error": ?0[,}]')
  local is_shed = status == 200 and answer:find('"error": ?998[,}]')
  if is_good then
    good = good + 1
  elseif is_shed then
    shed = shed + 1
  else
    bad = bad + 1
  end
  if not is_good and not (is_shed and is_overload) then complaint = status .. " " .. answer:gsub("%c", " ") end
  if began >= told_from and (is_good or is_shed) then
    local after = is_good and good_after or shed_after
    local bucket = math.floor(math.log(math.max(1, now() - began)) / math.log(STEPS))
    after[bucket] = (after[bucket] or 0) + 1
  end
end

local function percentiles(name) -- of all threads: half of the latencies are shorter than the first, 99 % than the second
  local total, all, order = 0, {}, {}
  for _, thread in ipairs(threads) do
    for bucket, count in pairs(thread:get(name)) do
      if not all[bucket] then order[#order + 1] = bucket end
      all[bucket] = (all[bucket] or 0) + count
      total = total + count
    end
  end
  table.sort(order)
  local function percentile(share)
    local seen = 0
    for _, bucket in ipairs(order) do
      seen = seen + all[bucket]
      if seen >= share * total then return STEPS ^ (bucket + 1) end
    end
    return 0
  end
  return percentile(0.5), percentile(0.99)
end

function done(summary)
  local right, later, wrong, said = 0, 0, 0, ""
  for _, thread in ipairs(threads) do
    right, later, wrong = right + thread:get("good"), later + thread:get("shed"), wrong + thread:get("bad")
    if thread:get("complaint") ~= "" then said = thread:get("complaint") end
  end
  local p50, p99 = percentiles("good_after")
  local _, shed_p99 = percentiles("shed_after")
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format('{"seconds": %.6f, "good": %d, "shed": %d, "bad": %d, "lost": %d,',
    summary.duration / 1e6, right, later, wrong, errors)
    .. string.format(' "p50": %.0f, "p99": %.0f, "shed_p99": %.0f, "complaint": %q}', p50, p99, shed_p99, said))
end
