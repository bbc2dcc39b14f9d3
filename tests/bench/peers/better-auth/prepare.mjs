// Makes the tables, a client, users and sessions, and leaves refresh tokens.
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { getMigrations } from "better-auth/db/migration";
import { AUDIENCE, auth } from "./auth.mjs";

const [count, directory] = process.argv.slice(2);
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const { adapter, internalAdapter } = await auth.$context;
await adapter.create({
  model: "oauthClient",
  data: {
    clientId: "bench",
    redirectUris: ["https://app.example/callback"],
    tokenEndpointAuthMethod: "none",
    grantTypes: ["authorization_code", "refresh_token"],
  },
});
const createdAt = new Date();
const expiresAt = new Date(createdAt.getTime() + 30 * 86_400_000);
const tokens = [];
for (let number = 0; number < Number(count); number += 1) {
  const user = await internalAdapter.createUser({
    name: `Person ${number}`,
    email: `person${number}@example.com`,
    emailVerified: true,
  });
  const session = await internalAdapter.createSession(user.id);
  const token = randomBytes(24).toString("hex");
  await adapter.create({
    model: "oauthRefreshToken",
    data: {
      token: createHash("sha256").update(token).digest("base64url"),
      clientId: "bench",
      sessionId: session.id,
      userId: user.id,
      scopes: ["profile", "offline_access"],
      resources: [AUDIENCE],
      createdAt,
      expiresAt,
    },
  });
  tokens.push(token);
}
writeFileSync(`${directory}/tokens`, `${tokens.join("\n")}\n`);
process.exit(0);
