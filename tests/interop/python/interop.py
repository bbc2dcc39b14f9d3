"""Tries every library here on the job in the file named by the first argument.

The job is what interop_stage prints. Each token and each use of a client becomes one line of JSON:
library, version, algorithm and token, or use; ok (accepted, or it works); and the reason where it
is not.
"""

import json
import sys
import warnings
from importlib.metadata import version

import oauth
import verifiers


def attempt(library, line, action):
    told = {"library": library, "version": version(library), **line}
    try:
        action()
        told["ok"] = True
    except Exception as error:  # Whatever it raises is a refusal; which, is told.
        told |= {"ok": False, "reason": reason(error)}
    print(json.dumps(told))


def reason(error):
    """What went wrong, and not only what wraps it."""
    told = f"{type(error).__name__}: {error}"
    return f"{told}: {reason(error.__cause__)}" if error.__cause__ else told


def failing(error):
    def fail(_token):
        raise error

    return fail


def main():
    warnings.simplefilter("ignore")
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    for library, verifier in verifiers.ALL.items():
        for setting in job["verification"]:
            try:
                verify = verifier(setting)
            except Exception as error:
                verify = failing(error)
            for name, token in setting["tokens"].items():
                line = {"algorithm": setting["algorithm"], "token": name}
                attempt(library, line, lambda: verify(token))
    common = {name: value for name, value in job["oauth"].items() if name != "clients"}
    client = oauth.Authlib({**common, **job["oauth"]["clients"]["Authlib"]})
    for use, action in client.uses().items():
        attempt("Authlib", {"use": use}, action)


if __name__ == "__main__":
    main()
