-- Sends at a rate instead of as fast as the answers come: `pace(rate)` once, then wrk asks `delay`
-- before each request. The plan does not wait for answers: whoever is late is sent at once.
-- wrk's timers have a grain of a millisecond.

local ffi = require "ffi"
ffi.cdef [[
    typedef struct { long seconds; long nanoseconds; } moment_t;
    int clock_gettime(int clock, moment_t *moment);
]]

local MONOTONIC = 1
local moment = ffi.new("moment_t")
local interval, planned

local function now()
    ffi.C.clock_gettime(MONOTONIC, moment)
    return tonumber(moment.seconds) * 1e3 + tonumber(moment.nanoseconds) / 1e6
end

function pace(rate)
    interval = 1e3 / rate
    planned = now()
end

function delay()
    planned = planned + interval
    return math.max(0, planned - now())
end
