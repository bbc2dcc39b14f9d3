import { createRemoteJWKSet, jwtVerify } from "jose";

const REQUIRED = ["exp", "iat", "sub", "jti", "client_id", "sid"];

export function verifier({ algorithm, issuer, audience, jwks_uri, secret }) {
  const keys = secret
    ? new TextEncoder().encode(secret)
    : createRemoteJWKSet(new URL(jwks_uri));
  const options = {
    algorithms: [algorithm],
    issuer,
    audience,
    typ: "at+jwt",
    requiredClaims: REQUIRED,
  };
  return (token) => jwtVerify(token, keys, options);
}
