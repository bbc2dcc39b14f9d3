import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";

// It refuses plain http unless told.
const plain = { [oauth.allowInsecureRequests]: true };

async function discover(issuer) {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: "oauth2", ...plain });
  return oauth.processDiscoveryResponse(url, response);
}

async function refresh(server, client, authentication, token) {
  const response = await oauth.refreshTokenGrantRequest(
    server,
    client,
    authentication,
    token,
    plain,
  );
  return oauth.processRefreshTokenResponse(server, client, response);
}

// Whether it asks for a signed answer follows from the algorithm that the client is registered with.
async function introspect(server, client, authentication, token) {
  const response = await oauth.introspectionRequest(server, client, authentication, token, plain);
  const told = await oauth.processIntrospectionResponse(server, client, response);
  return { response, told };
}

export function uses(job) {
  const client = { client_id: job.client_id };
  const secret = oauth.ClientSecretBasic(job.client_secret);
  let server;
  let access;

  async function clientCredentials(authentication) {
    const parameters = { scope: job.scope };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      parameters,
      plain,
    );
    const pair = await oauth.processClientCredentialsResponse(server, client, response);
    assert.equal(pair.scope, job.scope);
  }

  return {
    async discovery() {
      server = await discover(job.issuer);
      assert.ok(server.token_endpoint);
    },
    async "refresh, public"() {
      const renewd = { client_id: job.public_client_id };
      const pair = await refresh(server, renewd, oauth.None(), job.public_refresh_token);
      assert.notEqual(pair.refresh_token, job.public_refresh_token);
    },
    async refresh() {
      const pair = await refresh(server, client, secret, job.refresh_token);
      assert.notEqual(pair.refresh_token, job.refresh_token);
      access = pair.access_token;
    },
    "client credentials": () => clientCredentials(secret),
    "secret in the form": () => clientCredentials(oauth.ClientSecretPost(job.client_secret)),
    async introspection() {
      const { told } = await introspect(server, client, secret, access);
      assert.deepEqual([told.active, told.client_id], [true, job.client_id]);
    },
    async "introspection, signed"() {
      const signed = { ...client, introspection_signed_response_alg: job.algorithm };
      const { response, told } = await introspect(server, signed, secret, access);
      await oauth.validateApplicationLevelSignature(server, response, plain);
      assert.deepEqual([told.active, told.client_id], [true, job.client_id]);
    },
    async revocation() {
      const token = job.revoked_refresh_token;
      const response = await oauth.revocationRequest(server, client, secret, token, plain);
      await oauth.processRevocationResponse(response);
      await assert.rejects(refresh(server, client, secret, token), { error: "invalid_grant" });
      const { told } = await introspect(server, client, secret, token);
      assert.deepEqual(told, { active: false });
    },
  };
}
