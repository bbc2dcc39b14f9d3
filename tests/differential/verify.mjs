// Verifies the corpus of hostile tokens with jose. Input and output are those of verify.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createLocalJWKSet, importJWK, jwtVerify } from "jose";

const REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid"];

const { version } = createRequire(import.meta.url)("jose/package.json");
const [first, ...lines] = readFileSync(process.argv[2], "utf8").trimEnd().split("\n");
const policy = JSON.parse(first);

// A secret is imported as it is: key sets are for public keys.
const keys = {};
for (const [alg, jwk] of Object.entries(policy.keys)) {
  keys[alg] =
    jwk.kty === "oct" ? await importJWK(jwk) : createLocalJWKSet({ keys: [jwk] });
}

for (const line of lines) {
  const { algorithm, name, token } = JSON.parse(line);
  let error = null;
  try {
    await jwtVerify(token, keys[algorithm], {
      algorithms: [algorithm],
      issuer: policy.issuer,
      audience: policy.audience,
      typ: "at+jwt",
      requiredClaims: REQUIRED,
      clockTolerance: 0,
      currentDate: new Date(policy.now * 1000),
    });
  } catch (caught) {
    error = caught.code ?? caught.name;
  }
  const verdict = { library: `jose ${version}`, algorithm, name, accepted: error === null, error };
  console.log(JSON.stringify(verdict));
}
