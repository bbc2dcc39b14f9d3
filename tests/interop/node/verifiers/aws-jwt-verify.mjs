import { JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";

// Its own fetcher speaks https only.
const fetcher = {
  fetch: async (uri) => {
    const response = await fetch(uri, { redirect: "error" });
    if (!response.ok) {
      throw new Error(`${uri}: ${response.status}`);
    }
    return response.arrayBuffer();
  },
};

export function verifier({ algorithm, issuer, audience, jwks_uri }) {
  // It takes the algorithm from the token, and holds it against the key's.
  const customJwtCheck = ({ header }) => {
    if (header.alg !== algorithm || header.typ !== "at+jwt") {
      throw new Error(`alg ${header.alg}, typ ${header.typ}`);
    }
  };
  const properties = { issuer, audience, jwksUri: jwks_uri, customJwtCheck };
  const jwksCache = new SimpleJwksCache({ fetcher });
  const made = JwtVerifier.create(properties, { jwksCache });
  return (token) => made.verify(token);
}
