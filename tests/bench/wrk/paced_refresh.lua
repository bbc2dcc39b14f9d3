-- POST /v1/refresh at a rate: `-- FILE RATE`.
require "pool"
require "pace"

function init(args)
    draw_from(args[1])
    pace(tonumber(args[2]))
end
