-- POST /v1/refresh, as fast as the answers come: `-- FILE` of refresh tokens.
require "pool"

function init(args)
    draw_from(args[1])
end
