"""Verifies the corpus of hostile tokens with PyJWT and joserfc.

Reads the corpus (JSON lines, the policy first) from the file named by the first argument and
writes, for each library and token, one JSON object a line: library, algorithm, name, accepted and
the error. Each library is told all that it can be told: one key, one algorithm, issuer, audience,
the claims that must be there, no leeway.
"""

import datetime
import json
import sys
import warnings

import jwt
import jwt.api_jwt
import joserfc
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid"]


def freeze(now):
    """PyJWT asks the clock itself; here it stands still."""

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(now, tz)

    jwt.api_jwt.datetime = Frozen


def with_pyjwt(policy):
    """The key is looked up by `kid`, as PyJWT's own client for key sets does it."""
    keys = {alg: jwt.PyJWK(key) for alg, key in policy["keys"].items()}

    def verify(algorithm, token):
        key = keys[algorithm]
        if jwt.get_unverified_header(token).get("kid") != key.key_id:
            raise jwt.PyJWKSetError("no key of that name")
        jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=policy["issuer"],
            audience=policy["audience"],
            options={"require": REQUIRED, "verify_iat": True, "verify_nbf": True},
        )

    return verify


def with_joserfc(policy):
    keys = {
        alg: joserfc_jwk.KeySet.import_key_set({"keys": [key]})
        for alg, key in policy["keys"].items()
    }
    essential = {name: {"essential": True} for name in REQUIRED}
    essential["iss"]["value"] = policy["issuer"]
    essential["aud"]["value"] = policy["audience"]
    claims = joserfc_jwt.JWTClaimsRegistry(now=policy["now"], leeway=0, **essential)

    def verify(algorithm, token):
        decoded = joserfc_jwt.decode(token, keys[algorithm], algorithms=[algorithm])
        claims.validate(decoded.claims)

    return verify


def main():
    warnings.simplefilter("ignore")
    with open(sys.argv[1], encoding="utf-8") as corpus:
        policy = json.loads(next(corpus))
        cases = [json.loads(line) for line in corpus]
    freeze(policy["now"])
    libraries = {
        f"PyJWT {jwt.__version__}": with_pyjwt(policy),
        f"joserfc {joserfc.__version__}": with_joserfc(policy),
    }
    for library, verify in libraries.items():
        for case in cases:
            error = None
            try:
                verify(case["algorithm"], case["token"])
            except Exception as caught:  # Whatever it raises is a refusal; which, is written down.
                error = type(caught).__name__
            verdict = {
                "library": library,
                "algorithm": case["algorithm"],
                "name": case["name"],
                "accepted": error is None,
                "error": error,
            }
            print(json.dumps(verdict))


if __name__ == "__main__":
    main()
