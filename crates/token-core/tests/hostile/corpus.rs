//! Every case of the forge, with its verdict and its reason.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use forge::{Algorithm, Case, Verdict};
use serde_json::{Value, json};

use crate::{AUDIENCE, ISSUER, Issuer, NOW, agrees};

/// Where `cargo xtask differential` finds the corpus: one JSON object a line, the policy first.
const CORPUS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/hostile-tokens.jsonl");

/// S1 S2 S3 S4 S5 S6 S7 S9 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21: every case of the
/// corpus, signed by every algorithm, is accepted or refused for its own reason. What was found
/// is written down for the comparison with other libraries.
#[test]
fn every_case_gets_its_verdict() {
    let mut lines = String::new();
    let mut keys = json!({});
    let mut wrong = Vec::new();
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::new(algorithm);
        let cases = issuer.cases();
        assert!(cases.len() > 500, "{} cases", cases.len());
        for case in &cases {
            let found = issuer.verdict(&case.token);
            if !agrees(case.verdict, found) {
                let (name, expected) = (&case.name, case.verdict);
                wrong.push(format!(
                    "{} {name}: {found:?} instead of {expected:?}",
                    algorithm.name()
                ));
            }
            writeln!(lines, "{}", line(algorithm, case, found)).unwrap();
        }
        println!("{}: {} cases", algorithm.name(), cases.len());
        keys[algorithm.name()] = published(&issuer);
    }
    let policy = json!({ "issuer": ISSUER, "audience": AUDIENCE, "now": NOW, "keys": keys });
    fs::create_dir_all(Path::new(CORPUS).parent().unwrap()).unwrap();
    fs::write(CORPUS, format!("{policy}\n{lines}")).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn line(algorithm: Algorithm, case: &Case, found: Verdict) -> Value {
    let why = match found {
        Verdict::Accepted => Value::Null,
        Verdict::Refused(why) => why.as_str().into(),
    };
    json!({
        "algorithm": algorithm.name(),
        "name": case.name,
        "covers": case.covers,
        "token": case.token,
        "accepted": found == Verdict::Accepted,
        "why": why,
    })
}

/// What a verifier elsewhere is given: the key set, or the secret as a key.
fn published(issuer: &Issuer) -> Value {
    issuer.key.jwk().unwrap_or_else(|| {
        let secret = forge::token::encode(issuer.key.secret_bytes().unwrap());
        json!({ "kty": "oct", "k": secret, "alg": "HS256", "kid": issuer.key.kid() })
    })
}
