// Tries every library of this directory on the job in the file named by the first argument.
//
// The job is what interop_stage prints. Each token and each use of a client becomes one line of
// JSON: library, version, algorithm and token, or use; ok (accepted, or it works); and the reason
// where it is not.

import { readFileSync } from "node:fs";
import { readVersion } from "./version.mjs";
import * as expressOauth2JwtBearer from "./verifiers/express-oauth2-jwt-bearer.mjs";
import * as awsJwtVerify from "./verifiers/aws-jwt-verify.mjs";
import * as jose from "./verifiers/jose.mjs";
import * as jsonwebtoken from "./verifiers/jsonwebtoken.mjs";
import * as oauth4webapi from "./verifiers/oauth4webapi.mjs";
import * as passportJwt from "./verifiers/passport-jwt.mjs";
import * as oauth4webapiClient from "./clients/oauth4webapi.mjs";
import * as openidClient from "./clients/openid-client.mjs";

const VERIFIERS = {
  jose,
  jsonwebtoken,
  "express-oauth2-jwt-bearer": expressOauth2JwtBearer,
  "passport-jwt": passportJwt,
  "aws-jwt-verify": awsJwtVerify,
  oauth4webapi,
};
const CLIENTS = { oauth4webapi: oauth4webapiClient, "openid-client": openidClient };

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));

// What went wrong, without what only wraps it.
const reason = (error) => {
  const parts = [error.code ?? error.name, error.error, error.message, error.cause?.message];
  return parts.filter(Boolean).join(": ");
};

async function attempt(library, line, action) {
  const told = { library, version: readVersion(library), ...line };
  try {
    await action();
    console.log(JSON.stringify({ ...told, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ ...told, ok: false, reason: reason(error) }));
  }
}

for (const [library, { verifier }] of Object.entries(VERIFIERS)) {
  for (const setting of job.verification) {
    let verify;
    try {
      verify = await verifier(setting);
    } catch (error) {
      verify = () => Promise.reject(error);
    }
    for (const [name, token] of Object.entries(setting.tokens)) {
      const line = { algorithm: setting.algorithm, token: name };
      await attempt(library, line, () => verify(token));
    }
  }
}

for (const [library, { uses }] of Object.entries(CLIENTS)) {
  const { clients, ...common } = job.oauth;
  for (const [use, action] of Object.entries(uses({ ...common, ...clients[library] }))) {
    await attempt(library, { use }, action);
  }
}

// Connections that a library keeps alive would keep this program running.
process.exit();
