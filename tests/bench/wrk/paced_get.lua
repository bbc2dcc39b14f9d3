-- A GET at a rate: `-- RATE`.
require "report"
require "pace"

function init(args)
    pace(tonumber(args[1]))
end
