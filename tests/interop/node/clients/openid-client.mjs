import assert from "node:assert/strict";
import * as openid from "openid-client";

// It refuses plain http unless told; OpenID Connect is what it looks for unless told.
const options = { algorithm: "oauth2", execute: [openid.allowInsecureRequests] };

const discover = (job, metadata, authentication) =>
  openid.discovery(new URL(job.issuer), job.client_id, metadata, authentication, options);

export function uses(job) {
  let config;
  let access;

  return {
    async discovery() {
      config = await discover(job, job.client_secret, openid.ClientSecretBasic());
      assert.ok(config.serverMetadata().token_endpoint);
    },
    async "refresh, public"() {
      const renewd = { ...job, client_id: job.public_client_id };
      const open = await discover(renewd, undefined, openid.None());
      const pair = await openid.refreshTokenGrant(open, job.public_refresh_token);
      assert.notEqual(pair.refresh_token, job.public_refresh_token);
    },
    async refresh() {
      const pair = await openid.refreshTokenGrant(config, job.refresh_token);
      assert.notEqual(pair.refresh_token, job.refresh_token);
      access = pair.access_token;
    },
    async "client credentials"() {
      const pair = await openid.clientCredentialsGrant(config, { scope: job.scope });
      assert.equal(pair.scope, job.scope);
    },
    async "secret in the form"() {
      const post = await discover(job, undefined, openid.ClientSecretPost(job.client_secret));
      const pair = await openid.clientCredentialsGrant(post, { scope: job.scope });
      assert.equal(pair.scope, job.scope);
    },
    async introspection() {
      const told = await openid.tokenIntrospection(config, access);
      assert.deepEqual([told.active, told.client_id], [true, job.client_id]);
    },
    async "introspection, signed"() {
      // What it asks for follows from the algorithm that the client is registered with.
      const metadata = {
        client_secret: job.client_secret,
        introspection_signed_response_alg: job.algorithm,
      };
      const signed = await discover(job, metadata, openid.ClientSecretBasic());
      openid.enableNonRepudiationChecks(signed);
      let type;
      signed[openid.customFetch] = async (...request) => {
        const response = await fetch(...request);
        type ??= response.headers.get("content-type");
        return response;
      };
      const told = await openid.tokenIntrospection(signed, access);
      assert.equal(type, "application/token-introspection+jwt");
      assert.deepEqual([told.active, told.client_id], [true, job.client_id]);
    },
    async revocation() {
      const token = job.revoked_refresh_token;
      await openid.tokenRevocation(config, token);
      await assert.rejects(openid.refreshTokenGrant(config, token), { error: "invalid_grant" });
      assert.deepEqual(await openid.tokenIntrospection(config, token), { active: false });
    },
  };
}
