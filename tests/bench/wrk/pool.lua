-- Refresh tokens of many sessions, each spent once: the successor comes back to the end of the
-- queue. `draw_from(file)` reads them. Those whose answers are under way when the run ends are
-- not kept; the others are written back for the next run.

require "report"

function draw_from(file)
    path, tokens, first, kept = file, {}, 0, 0
    for line in io.lines(file) do
        tokens[kept] = line
        kept = kept + 1
    end
    size = kept
end

local find, sub = string.find, string.sub
local head, opening, closing, member

local function post_at(place, kind, name)
    head = "POST " .. place .. " HTTP/1.1\r\nHost: localhost\r\n" ..
        "Content-Type: " .. kind .. "\r\nContent-Length: "
    member = '"' .. name .. '":"'
end

-- Where tokens are refreshed, and what they are called there.
function refresh_at(place, name)
    post_at(place, "application/json", name)
    opening, closing = "{" .. member, '"}'
end

-- The same by the form of RFC 6749, section 6, for a public client.
function refresh_by_form_at(place, client)
    post_at(place, "application/x-www-form-urlencoded", "refresh_token")
    opening, closing = "grant_type=refresh_token&client_id=" .. client .. "&refresh_token=", ""
end

refresh_at("/v1/refresh", "refresh_token")

function request()
    if kept == 0 then
        error("no refresh token is left")
    end
    local body = opening .. tokens[first] .. closing
    first = (first + 1) % size
    kept = kept - 1
    return head .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
    -- Plain searches: a pattern would look at each byte of the access token before it.
    local _, before = find(body, member, 1, true)
    if before then
        local after = find(body, '"', before + 1, true)
        tokens[(first + kept) % size] = sub(body, before + 1, after - 1)
        kept = kept + 1
    end
end

-- One thread alone: every thread would have the whole pool.
function setup(started)
    thread = started
end

local report = done

function done(summary, latency, requests)
    local tokens, first = thread:get("tokens"), thread:get("first")
    local kept, size = thread:get("kept"), thread:get("size")
    local file = assert(io.open(thread:get("path"), "w"))
    for place = first, first + kept - 1 do
        file:write(tokens[place % size], "\n")
    end
    file:close()
    report(summary, latency, requests)
end
