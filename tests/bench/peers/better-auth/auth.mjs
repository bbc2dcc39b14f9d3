// better-auth as an OAuth provider: the part of it that has refresh tokens, which rotate.
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";
import pg from "pg";

export const AUDIENCE = "https://api.example";

export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${process.env.PORT}`,
  secret: "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu",
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 }),
  logger: { level: "error" },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: "/login",
      consentPage: "/consent",
      resources: [AUDIENCE],
      enforcePerClientResources: false,
    }),
  ],
});
