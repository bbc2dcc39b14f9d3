// What the server and its preparation share: secrets, tokens, digests.
import { createHash, randomBytes } from "node:crypto";
import jwt from "jsonwebtoken";

const ACCESS_SECRET = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";
const REFRESH_SECRET = "vN4pTq8Zr2Ws6Xy0Bd3Fg7Hj1Kl5Mc9Q";

export const accessToken = (user) =>
  jwt.sign({ sub: user.id, username: user.username, email: user.email }, ACCESS_SECRET, {
    expiresIn: "15m",
  });

export const refreshToken = (user, session) =>
  jwt.sign({ sub: user, sid: session, jti: randomBytes(16).toString("hex") }, REFRESH_SECRET, {
    expiresIn: "30d",
  });

export const readAccess = (token) => jwt.verify(token, ACCESS_SECRET);
export const readRefresh = (token) => jwt.verify(token, REFRESH_SECRET);
export const digest = (token) => createHash("sha256").update(token).digest("hex");
