//! Access tokens verified by a library that is not ours and not in Rust: `PyJWT`,
//! in an environment of its own that the test makes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use e2e::server::ISSUER;
use e2e::{Person, Persona, Server, Setup, jwt, process};
use tempfile::TempDir;

use crate::hs256::SECRET;

/// Reads a token, a key and an algorithm, one a line, and prints the subject.
/// The key is a secret, or a JWKS document.
const SCRIPT: &str = r#"
import sys, jwt
token, key, algorithm, issuer = sys.stdin.read().split("\n")[:4]
if algorithm == "ES256":
    kid = jwt.get_unverified_header(token)["kid"]
    keys = jwt.PyJWKSet.from_json(key).keys
    key = next(one for one in keys if one.key_id == kid).key
claims = jwt.decode(token, key, algorithms=[algorithm], audience=issuer, issuer=issuer,
    options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"]})
print(claims["sub"])
"#;

struct Python {
    directory: TempDir,
}

/// An environment with `PyJWT`; `None`, and told, where this machine has no Python
/// or no package index: the flow itself is also checked in `hs256` and `keys`.
fn python() -> Option<&'static Python> {
    static PYTHON: OnceLock<Option<Python>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let directory = TempDir::new().expect("a temporary directory");
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(directory.path())
            .output()
            .is_ok_and(|output| output.status.success());
        let pip = directory.path().join("bin/pip");
        let arguments = ["install", "--quiet", "--no-input", "PyJWT[crypto]>=2.10"];
        let installed = made
            && Command::new(pip)
                .args(arguments)
                .output()
                .is_ok_and(|out| out.status.success());
        installed.then_some(Python { directory })
    });
    if python.is_none() {
        println!("skipped: no PyJWT on this machine");
    }
    python.as_ref()
}

impl Python {
    fn verify(&self, token: &str, key: &str, algorithm: &str) -> process::Finished {
        let program: PathBuf = self.directory.path().join("bin/python");
        let mut command = process::command(&program, Path::new("/"), &[]);
        let input = format!("{token}\n{key}\n{algorithm}\n{ISSUER}\n");
        process::run(command.args(["-I", "-c", SCRIPT]), input)
    }
}

/// HS256: any library with the secret verifies, and refuses what was altered.
#[test]
fn a_foreign_library_verifies_with_the_secret() {
    let Some(python) = python() else { return };
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let client = Person::registered(&server, "ada").log_in(&server);
    let access = client.access();
    let verified = python.verify(&access, SECRET, "HS256");
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert_eq!(
        Some(verified.stdout.trim()),
        jwt::claims(&access)["sub"].as_str()
    );

    let refused = python.verify(&access, "another secret of some good length", "HS256");
    assert!(
        refused.stderr.contains("InvalidSignatureError"),
        "{refused:?}"
    );
}

/// S28 S29: ES256: any library with the published keys verifies.
#[test]
fn a_foreign_library_verifies_with_the_published_keys() {
    let Some(python) = python() else { return };
    let server = Server::sqlite();
    let client = Person::registered(&server, "ada").log_in(&server);
    let access = client.access();
    let keys = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    let keys = keys.json().to_string();
    let verified = python.verify(&access, &keys, "ES256");
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert_eq!(
        Some(verified.stdout.trim()),
        jwt::claims(&access)["sub"].as_str()
    );
}
