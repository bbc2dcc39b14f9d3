-- The same GET, but through as much Lua as a refresh takes: what it is slower by is the generator's.
require "report"

local asked

function init()
    asked = wrk.format("GET")
end

function request()
    return asked .. ""
end

function response(status, headers, body)
    last = string.match(body, '"status":"([^"]+)"')
end
