"""One function for each library: from issuer, keys and audience to a function that takes a token
and raises unless it is good."""

import jwt
import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwk
from joserfc import jwt as joserfc_jwt

REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "client_id", "sid"]
TYPES = ("at+jwt", "application/at+jwt")


def document(url):
    answer = requests.get(url, timeout=20, allow_redirects=False)
    answer.raise_for_status()
    return answer.json()


def keys_of(setting):
    if setting["secret"]:
        return jwk.OctKey.import_key(setting["secret"])
    return jwk.KeySet.import_key_set(document(setting["jwks_uri"]))


def check_typ(header):
    if str(header.get("typ")).lower() not in TYPES:
        raise ValueError("another type of token")


def pyjwt(setting):
    secret = setting["secret"]
    client = jwt.PyJWKClient(setting["jwks_uri"])

    def verify(token):
        key = secret or client.get_signing_key_from_jwt(token)
        verified = jwt.decode_complete(
            token,
            key,
            algorithms=[setting["algorithm"]],
            issuer=setting["issuer"],
            audience=setting["audience"],
            options={"require": REQUIRED},
        )
        check_typ(verified["header"])

    return verify


def joserfc(setting):
    keys = keys_of(setting)
    essential = {name: {"essential": True} for name in REQUIRED}
    essential["iss"]["value"] = setting["issuer"]
    essential["aud"]["value"] = setting["audience"]
    claims = joserfc_jwt.JWTClaimsRegistry(**essential)

    def verify(token):
        decoded = joserfc_jwt.decode(token, keys, algorithms=[setting["algorithm"]])
        check_typ(decoded.header)
        claims.validate(decoded.claims)

    return verify


class Validator(JWTBearerTokenValidator):
    """Authlib's validator for RFC 9068, which leaves the keys to its subclasses."""

    def __init__(self, setting):
        super().__init__(setting["issuer"], setting["audience"])
        self.keys = keys_of(setting)

    def get_jwks(self):
        return self.keys


def authlib(setting):
    validator = Validator(setting)

    def verify(token):
        claims = validator.authenticate_token(token)
        validator.validate_token(claims, scopes=None, request=None)

    return verify


ALL = {"PyJWT": pyjwt, "joserfc": joserfc, "Authlib": authlib}
