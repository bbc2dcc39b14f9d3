-- As for renewd, at another path.
require "pool"
require "refresh"

refresh_at("/refresh", "refresh_token")
