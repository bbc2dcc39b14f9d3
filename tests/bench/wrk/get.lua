-- The same GET again and again, which costs no Lua at all.
require "report"
