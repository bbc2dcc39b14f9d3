-- For the soak: of ten requests eight ask who a token is of, one refreshes, one is a constant
-- answer, at a rate: `-- FILE RATE`. Access tokens are those of the answers; until there is one, all
-- refresh.
require "pool"
require "pace"

local refresh, turn, access = request, 0, nil

function init(args)
    draw_from(args[1])
    pace(tonumber(args[2]))
end

function request()
    turn = (turn + 1) % 10
    if turn == 0 or not access then
        return refresh()
    elseif turn == 1 then
        return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    end
    return "GET /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " .. access .. "\r\n\r\n"
end

local keep = response

function response(status, headers, body)
    access = string.match(body, '"access_token":"([^"]+)"') or access
    keep(status, headers, body)
end
