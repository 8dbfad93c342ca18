-- Sends requests that were signed in advance, each once: `wrk -s fetch.lua <url> -- <folder> <bytes per request>`.
-- Thread N reads `<folder>/N.requests`, one request after the other, all of the same length.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1] .. "/" .. number .. ".requests", "rb"))
  requests = file:read("*a")
  file:close()
  length = tonumber(args[2])
  at = 0
end

-- After the last request it sends an invalid one, so that the run fails instead of sending a request twice.
function request()
  local from = at
  at = at + length
  if at > #requests then return "EXHAUSTED\r\n\r\n" end
  return requests:sub(from + 1, at)
end

-- The last line is for the benchmark. `errors.status` counts every answer above 399.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
