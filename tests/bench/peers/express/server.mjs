// Refresh tokens that rotate, as tutorials write them: a row for each session with the digest of
// its refresh token, replaced by an update that only the current token passes.
import express from "express";
import pg from "pg";
import { accessToken, digest, readAccess, readRefresh, refreshToken } from "./tokens.mjs";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
const app = express();
app.use(express.json());

app.get("/healthz", (request, response) => response.json({ status: "ok" }));

app.post("/refresh", async (request, response) => {
  let claims;
  try {
    claims = readRefresh(request.body.refresh_token);
  } catch {
    return response.status(401).json({ error: "invalid" });
  }
  const next = refreshToken(claims.sub, claims.sid);
  const rotated = await pool.query({
    name: "rotate",
    text: `UPDATE sessions SET digest = $1, rotated_at = now()
           WHERE id = $2 AND digest = $3 AND ended_at IS NULL RETURNING user_id`,
    values: [digest(next), claims.sid, digest(request.body.refresh_token)],
  });
  if (rotated.rowCount === 0) {
    await pool.query("UPDATE sessions SET ended_at = now() WHERE id = $1", [claims.sid]);
    return response.status(401).json({ error: "reused" });
  }
  const found = await pool.query({
    name: "user",
    text: "SELECT id, username, email FROM users WHERE id = $1",
    values: [rotated.rows[0].user_id],
  });
  response.json({ access_token: accessToken(found.rows[0]), refresh_token: next });
});

app.get("/me", async (request, response) => {
  let claims;
  try {
    claims = readAccess(request.headers.authorization?.slice("Bearer ".length));
  } catch {
    return response.status(401).json({ error: "invalid" });
  }
  const found = await pool.query({
    name: "user",
    text: "SELECT id, username, email FROM users WHERE id = $1",
    values: [claims.sub],
  });
  response.json(found.rows[0]);
});

app.listen(Number(process.env.PORT), "127.0.0.1");
