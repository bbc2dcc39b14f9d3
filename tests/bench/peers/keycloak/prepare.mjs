// Makes a realm with users, logs them in, and leaves refresh tokens and an access token.
import { writeFileSync } from "node:fs";

const [count, directory, port] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const SESSIONS_PER_USER = 10;
const AT_ONCE = 8;
const DAY = 86_400;

const answered = async (response, status) => {
  if (response.status !== status) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
};
const token = async (realm, form) => {
  const place = `${base}/realms/${realm}/protocol/openid-connect/token`;
  const body = new URLSearchParams({ grant_type: "password", ...form });
  return (await answered(await fetch(place, { method: "POST", body }), 200)).json();
};

const { access_token: admin } = await token("master", {
  client_id: "admin-cli",
  username: process.env.KC_BOOTSTRAP_ADMIN_USERNAME,
  password: process.env.KC_BOOTSTRAP_ADMIN_PASSWORD,
});
const users = Array.from({ length: Math.ceil(count / SESSIONS_PER_USER) }, (_, number) => ({
  username: `person${number}`,
  email: `person${number}@example.com`,
  firstName: "Person",
  lastName: `${number}`,
  enabled: true,
  emailVerified: true,
  credentials: [{ type: "password", value: `password of ${number}`, temporary: false }],
}));
const realm = {
  realm: "bench",
  enabled: true,
  sslRequired: "none",
  revokeRefreshToken: true,
  refreshTokenMaxReuse: 0,
  accessTokenLifespan: DAY,
  ssoSessionIdleTimeout: DAY,
  ssoSessionMaxLifespan: DAY,
  // The logins of the preparation are not what is measured.
  passwordPolicy: "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)",
  clients: [{ clientId: "bench", publicClient: true, directAccessGrantsEnabled: true }],
  users,
};
await answered(
  await fetch(`${base}/admin/realms`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
    body: JSON.stringify(realm),
  }),
  201,
);

const tokens = [];
let next = 0;
let access;
const logIn = async () => {
  while (next < count) {
    const number = next % users.length;
    next += 1;
    const pair = await token("bench", {
      client_id: "bench",
      scope: "openid",
      username: `person${number}`,
      password: `password of ${number}`,
    });
    tokens.push(pair.refresh_token);
    access = pair.access_token;
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, logIn));
writeFileSync(`${directory}/tokens`, `${tokens.join("\n")}\n`);
writeFileSync(`${directory}/access`, access);
