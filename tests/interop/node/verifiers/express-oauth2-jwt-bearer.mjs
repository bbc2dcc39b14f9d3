import { auth } from "express-oauth2-jwt-bearer";
import { protectedBy } from "../server.mjs";

export function verifier({ algorithm, issuer, audience, secret }) {
  // With the issuer alone it finds the keys by the issuer's metadata.
  const keys = secret ? { issuer, secret } : { issuerBaseURL: issuer };
  const options = { audience, tokenSigningAlg: algorithm, strict: true, clockTolerance: 0 };
  return protectedBy(auth({ ...keys, ...options }));
}
