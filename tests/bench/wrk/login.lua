-- POST /v1/login by one after another of many people: `-- PEOPLE PASSWORD`.
require "report"

local people, password
local person = 0

function init(args)
    people, password = tonumber(args[1]), args[2]
    if args[3] then
        pace(tonumber(args[3]))
    end
end

function request()
    person = (person + 1) % people
    local body = string.format('{"username":"person%d","password":"%s"}', person, password)
    return "POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" ..
        "Content-Length: " .. #body .. "\r\n\r\n" .. body
end
