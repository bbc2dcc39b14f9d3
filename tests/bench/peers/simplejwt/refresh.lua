-- As for renewd, at another path, with the name that SimpleJWT has for the same.
require "pool"
require "refresh"

refresh_at("/token/refresh", "refresh")
