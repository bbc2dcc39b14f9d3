// Makes the tables, users and sessions, and leaves refresh tokens and an access token.
import { writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { accessToken, digest, refreshToken } from "./tokens.mjs";

const [count, directory] = process.argv.slice(2);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(`
  CREATE TABLE users (id uuid PRIMARY KEY, username text UNIQUE NOT NULL, email text UNIQUE NOT NULL);
  CREATE TABLE sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, digest text NOT NULL,
    rotated_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz);
`);
const tokens = [];
let user;
await client.query("BEGIN");
for (let number = 0; number < Number(count); number += 1) {
  user = { id: randomUUID(), username: `person${number}`, email: `person${number}@example.com` };
  const session = randomUUID();
  const token = refreshToken(user.id, session);
  await client.query("INSERT INTO users VALUES ($1, $2, $3)", [user.id, user.username, user.email]);
  await client.query("INSERT INTO sessions (id, user_id, digest) VALUES ($1, $2, $3)", [
    session,
    user.id,
    digest(token),
  ]);
  tokens.push(token);
}
await client.query("COMMIT");
await client.end();
writeFileSync(`${directory}/tokens`, `${tokens.join("\n")}\n`);
writeFileSync(`${directory}/access`, accessToken(user));
