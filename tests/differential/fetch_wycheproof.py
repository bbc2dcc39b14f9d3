"""Brings Wycheproof's JOSE sets, which no crate has, into the directory named by the first argument.

They come as the project's own Go module from Go's module proxy, in one version with one digest.
"""

import hashlib
import io
import pathlib
import sys
import urllib.request
import zipfile

MODULE = "github.com/c2sp/wycheproof"
VERSION = "v0.0.0-20260902155932-3fa63dd0344a"
SHA256 = "2bf812135610eccf6edd097546789499a3bbe6a1f71aa7a03915fd707d64d5d9"
SETS = [f"json_web_{name}_test.json" for name in ("signature", "key", "encryption", "crypto")]


def main():
    directory = pathlib.Path(sys.argv[1]) / VERSION
    print(directory)
    if all((directory / name).is_file() for name in SETS):
        return
    address = f"https://proxy.golang.org/{MODULE}/@v/{VERSION}.zip"
    with urllib.request.urlopen(address, timeout=120) as answer:
        archive = answer.read()
    digest = hashlib.sha256(archive).hexdigest()
    if digest != SHA256:
        sys.exit(f"{address} has the digest {digest}")
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        for name in SETS:
            text = files.read(f"{MODULE}@{VERSION}/testvectors_v1/{name}")
            (directory / name).write_bytes(text)


if __name__ == "__main__":
    main()
