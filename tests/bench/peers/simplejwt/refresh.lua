-- As for renewd, at another path, with the names that SimpleJWT has for the same.
require "pool"

function init(args)
    draw_from(args[1])
end

local head = "POST /token/refresh HTTP/1.1\r\nHost: localhost\r\n" ..
    "Content-Type: application/json\r\nContent-Length: "

function request()
    if kept == 0 then
        error("no refresh token is left")
    end
    local body = '{"refresh":"' .. tokens[first] .. '"}'
    first = (first + 1) % size
    kept = kept - 1
    return head .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
    local token = string.match(body, '"refresh":"([^"]+)"')
    if token then
        tokens[(first + kept) % size] = token
        kept = kept + 1
    end
end
