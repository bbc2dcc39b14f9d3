-- POST /v1/login at a rate: `-- PEOPLE PASSWORD RATE`.
require "login"
require "pace"
