-- As for renewd, by the form of RFC 6749.
require "pool"
require "refresh"

refresh_by_form_at("/api/auth/oauth2/token", "bench")
