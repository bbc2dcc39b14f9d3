"""Authlib's OAuth client, in every use of renewd's endpoints."""

import requests
from authlib.integrations.base_client import FrameworkIntegration, OAuthError
from authlib.integrations.base_client.sync_app import OAuth2Mixin, OAuth2Base
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import get_well_known_url
from joserfc import jwk, jwt

SIGNED = "application/token-introspection+jwt"


class App(OAuth2Mixin, OAuth2Base):
    """What Authlib's integrations with web frameworks are made of."""

    client_cls = OAuth2Session


class Authlib:
    """Uses up the sessions of its job, in the order of `uses`."""

    def __init__(self, job):
        self.job = job
        self.metadata = None
        self.access = None

    def uses(self):
        return {
            "discovery": self.discovery,
            "refresh, public": self.refresh_public,
            "refresh": self.refresh,
            "client credentials": self.client_credentials,
            "secret in the form": self.secret_in_the_form,
            "introspection": self.introspection,
            "introspection, signed": self.signed_introspection,
            "revocation": self.revocation,
        }

    def session(self, **options):
        return OAuth2Session(
            self.job["client_id"],
            self.job["client_secret"],
            token_endpoint=self.metadata["token_endpoint"],
            default_timeout=20,
            **options,
        )

    def discovery(self):
        url = get_well_known_url(self.job["issuer"], external=True)
        app = App(FrameworkIntegration("renewd"), "renewd", server_metadata_url=url)
        self.metadata = app.load_server_metadata()
        assert self.metadata["issuer"] == self.job["issuer"]

    def refresh_public(self):
        session = OAuth2Session(
            self.job["public_client_id"],
            token_endpoint=self.metadata["token_endpoint"],
        )
        token = self.job["public_refresh_token"]
        pair = session.refresh_token(refresh_token=token)
        assert pair["refresh_token"] != token

    def refresh(self):
        token = self.job["refresh_token"]
        pair = self.session().refresh_token(refresh_token=token)
        assert pair["refresh_token"] != token
        self.access = pair["access_token"]

    def client_credentials(self, **options):
        session = self.session(scope=self.job["scope"], **options)
        pair = session.fetch_token(grant_type="client_credentials")
        assert pair["scope"] == self.job["scope"]

    def secret_in_the_form(self):
        self.client_credentials(token_endpoint_auth_method="client_secret_post")

    def introspect(self, token, **options):
        endpoint = self.metadata["introspection_endpoint"]
        answer = self.session().introspect_token(endpoint, token=token, **options)
        answer.raise_for_status()
        return answer

    def introspection(self):
        told = self.introspect(self.access).json()
        assert told["active"] and told["client_id"] == self.job["client_id"], told

    def signed_introspection(self):
        """Authlib asks for what it is told to and hands over the answer; joserfc verifies it."""
        headers = {"Accept": SIGNED, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self.introspect(self.access, headers=headers)
        assert answer.headers["content-type"] == SIGNED, answer.headers
        keys = requests.get(self.metadata["jwks_uri"], timeout=20).json()
        keys = jwk.KeySet.import_key_set(keys)
        signed = jwt.decode(answer.text, keys, algorithms=[self.job["algorithm"]])
        assert signed.header["typ"] == "token-introspection+jwt", signed.header
        claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.job["issuer"]},
            aud={"essential": True, "value": self.job["client_id"]},
        )
        claims.validate(signed.claims)
        told = signed.claims["token_introspection"]
        assert told["active"] and told["client_id"] == self.job["client_id"], told

    def revocation(self):
        token = self.job["revoked_refresh_token"]
        session = self.session()
        endpoint = self.metadata["revocation_endpoint"]
        session.revoke_token(endpoint, token=token).raise_for_status()
        try:
            session.refresh_token(refresh_token=token)
        except OAuthError as error:
            assert error.error == "invalid_grant", error
        else:
            raise AssertionError("a revoked token was refreshed")
        assert self.introspect(token).json() == {"active": False}
