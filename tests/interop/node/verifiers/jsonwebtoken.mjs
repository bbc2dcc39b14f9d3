import jsonwebtoken from "jsonwebtoken";
import { JwksClient } from "jwks-rsa";

export function verifier({ algorithm, issuer, audience, jwks_uri, secret }) {
  const client = new JwksClient({ jwksUri: jwks_uri });
  const key = (header, done) =>
    client.getSigningKey(header.kid).then(
      (found) => done(null, found.getPublicKey()),
      (error) => done(error),
    );
  const options = { algorithms: [algorithm], issuer, audience };
  return (token) =>
    new Promise((resolve, reject) => {
      jsonwebtoken.verify(token, secret ?? key, options, (error, claims) =>
        error ? reject(error) : resolve(claims),
      );
    });
}
