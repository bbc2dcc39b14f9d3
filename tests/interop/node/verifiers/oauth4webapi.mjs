import * as oauth from "oauth4webapi";

export function verifier({ algorithm, issuer, audience, jwks_uri }) {
  const server = { issuer, jwks_uri };
  const options = {
    signingAlgorithms: [algorithm],
    [oauth.allowInsecureRequests]: true,
    [oauth.clockTolerance]: 0,
  };
  return (token) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = new Request("https://api.example.com/", { headers });
    return oauth.validateJwtAccessToken(server, request, audience, options);
  };
}
