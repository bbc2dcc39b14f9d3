//! What anybody can make of one token, the public keys and some patience.

mod damage;
mod signatures;

pub use damage::{cuts, flips};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::key::{Key, mac};
use crate::token::{self, assemble, encode, json_of, parts, with, without};
use crate::{Algorithm, Case, Cases, Why, der};

/// What the outsider has.
#[derive(Debug)]
pub struct Outsider<'a> {
    /// A genuine token.
    pub token: &'a str,
    /// The JWK of the key that signed it; none for a secret.
    pub jwk: Option<&'a Value>,
    /// The outsider's own key, of the same algorithm.
    pub key: &'a Key,
    /// Beginning of a URL at which somebody listens, who must hear nothing.
    pub elsewhere: &'a str,
}

/// Every case that an outsider can make.
pub fn cases(outsider: &Outsider<'_>) -> Vec<Case> {
    let mut cases = Cases::default();
    let make = Make::new(outsider);
    make.algorithms(&mut cases);
    make.macs(&mut cases);
    make.embedded_keys(&mut cases);
    make.key_names(&mut cases);
    make.other_claims(&mut cases);
    damage::shapes(outsider.token, &mut cases);
    signatures::edges(outsider.token, make.algorithm(), &mut cases);
    cases.into_list()
}

/// The genuine token taken apart.
struct Make<'a> {
    outsider: &'a Outsider<'a>,
    header: Value,
    payload: &'a str,
    signature: &'a str,
}

/// `none` as somebody's comparison might read it.
const NONE: [&str; 11] = [
    "none",
    "None",
    "NONE",
    "nOnE",
    "noNe",
    "none ",
    " none",
    "none\u{0}",
    "none\n",
    "",
    "null",
];
/// Names of algorithms that are other than the key's, or none at all.
const OTHERS: [&str; 15] = [
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "Ed448",
    "ML-DSA-44",
    "dir",
];

impl<'a> Make<'a> {
    fn new(outsider: &'a Outsider<'a>) -> Self {
        let [header, payload, signature] = parts(outsider.token);
        let header = json_of(header);
        Self {
            outsider,
            header,
            payload,
            signature,
        }
    }

    fn alg(&self) -> &str {
        self.header["alg"].as_str().expect("alg")
    }

    fn algorithm(&self) -> Algorithm {
        let named = Algorithm::ALL
            .into_iter()
            .find(|one| one.name() == self.alg());
        named.expect("an algorithm of ours")
    }

    /// The genuine payload and signature under a header with one member changed.
    fn renamed(&self, member: &str, value: Value) -> String {
        let header = with(&self.header, member, value);
        assemble(&header, self.payload, self.signature)
    }

    /// The genuine payload under this header, signed with the outsider's own key.
    fn forged(&self, header: &Value) -> String {
        token::sign_parts(self.outsider.key, &encode(header.to_string()), self.payload)
    }

    fn algorithms(&self, cases: &mut Cases) {
        cases.covering("S1 CVE-2015-9235 CVE-2022-23540 CVE-2026-28802");
        for alg in NONE {
            let header = with(&self.header, "alg", alg.into());
            let unsigned = assemble(&header, self.payload, "");
            let two = unsigned.trim_end_matches('.').to_owned();
            cases.refuse(format!("alg/{alg:?} two parts"), two, Why::Malformed);
            cases.refuse(format!("alg/{alg:?} unsigned"), unsigned, Why::Key);
            let signed = self.renamed("alg", alg.into());
            cases.refuse(format!("alg/{alg:?} signed"), signed, Why::Key);
        }
        cases.covering("S1 S3 CVE-2026-22817 CVE-2026-22818");
        let lower = self.alg().to_lowercase();
        for alg in OTHERS
            .into_iter()
            .chain([lower.as_str()])
            .filter(|alg| *alg != self.alg())
        {
            let signed = self.renamed("alg", alg.into());
            let name = if alg == lower {
                "own name in lower case"
            } else {
                alg
            };
            cases.refuse(format!("alg/{name} instead"), signed, Why::Key);
        }
        cases.covering("S1");
        for alg in [
            Value::Null,
            json!(0),
            json!(["none"]),
            json!([self.alg()]),
            json!({}),
            json!(true),
        ] {
            let token = self.renamed("alg", alg.clone());
            cases.refuse(
                format!("alg/of type {alg}").replace(self.alg(), "own"),
                token,
                Why::Malformed,
            );
        }
        let absent = assemble(&without(&self.header, "alg"), self.payload, self.signature);
        cases.refuse("alg/absent", absent, Why::Malformed);
        let no_signature = assemble(&self.header, self.payload, "");
        cases.refuse("alg/own, signature stripped", no_signature, Why::Signature);
    }

    /// The public key as the secret of an HMAC.
    fn macs(&self, cases: &mut Cases) {
        cases.covering(
            "S2 CVE-2017-11424 CVE-2022-29217 CVE-2024-33663 CVE-2024-37568 CVE-2026-34950 CVE-2026-48526 GHSA-ww5h-9m49-7xx4",
        );
        let kid = self.header["kid"].as_str().unwrap_or_default();
        let encodings = self.outsider.jwk.map_or_else(
            || {
                vec![
                    ("empty".to_owned(), Vec::new()),
                    ("kid".to_owned(), kid.as_bytes().to_vec()),
                    ("zeros".to_owned(), vec![0; 32]),
                    ("a common secret".to_owned(), b"secret".to_vec()),
                ]
            },
            der::encodings,
        );
        for alg in ["HS256", "HS384", "HS512"] {
            let why = if alg == self.alg() {
                Why::Signature
            } else {
                Why::Key
            };
            for (name, secret) in &encodings {
                let header = with(&self.header, "alg", alg.into());
                let input = format!("{}.{}", encode(header.to_string()), self.payload);
                let tag = mac(secret, alg, input.as_bytes()).expect("an HMAC");
                let token = format!("{input}.{}", encode(tag));
                cases.refuse(format!("mac/{alg} with {name}"), token, why);
            }
        }
    }

    /// The token brings the outsider's key, or says where it is.
    fn embedded_keys(&self, cases: &mut Cases) {
        cases.covering("S4 CVE-2018-0114 CVE-2026-27962");
        let key = self.outsider.key;
        let elsewhere = self.outsider.elsewhere;
        let oct = || json!({ "kty": "oct", "k": encode(key.secret_bytes().unwrap_or_default()) });
        let jwk = with(
            &key.jwk().unwrap_or_else(oct),
            "kid",
            self.header["kid"].clone(),
        );
        let certificate = STANDARD.encode(jwk.to_string());
        for (name, value) in [
            ("jwk", jwk),
            ("jku", json!(format!("{elsewhere}/jwks.json"))),
            ("x5u", json!(format!("{elsewhere}/chain.pem"))),
            ("x5c", json!([certificate])),
            ("iss", json!(elsewhere)),
        ] {
            let header = with(&self.header, name, value);
            let token = self.forged(&header);
            cases.refuse(format!("embedded/{name}"), token, Why::Signature);
            let token = self.forged(&with(&header, "kid", key.kid().into()));
            cases.refuse(format!("embedded/{name} with its kid"), token, Why::Key);
            let token = self.forged(&without(&header, "kid"));
            cases.refuse(format!("embedded/{name} without kid"), token, Why::Key);
        }
        cases.refuse(
            "embedded/no key at all",
            self.forged(&self.header),
            Why::Signature,
        );
    }

    fn key_names(&self, cases: &mut Cases) {
        cases.covering("S6 CVE-2025-65945");
        let own = self.header["kid"].as_str().unwrap_or_default();
        for (name, kid) in [
            ("unknown", "unknown".to_owned()),
            ("empty", String::new()),
            ("a path", "../../../../dev/null".to_owned()),
            ("an absolute path", "/etc/hostname".to_owned()),
            ("SQL", "' OR 1=1 --".to_owned()),
            ("more SQL", "x'; DROP TABLE keys; --".to_owned()),
            ("a command", "|touch pwned".to_owned()),
            ("a URL", format!("{}/kid", self.outsider.elsewhere)),
            ("NUL", "\u{0}".to_owned()),
            ("own and NUL", format!("{own}\u{0}")),
            ("own and newline", format!("{own}\n")),
            ("own and space", format!("{own} ")),
            ("newline", "\n".to_owned()),
            ("not ASCII", "ключ\u{202e}".to_owned()),
            ("a prototype", "__proto__".to_owned()),
            ("4 KB", "k".repeat(4_000)),
        ] {
            let token = self.renamed("kid", kid.into());
            cases.refuse(format!("kid/{name}"), token, Why::Key);
        }
        let huge = self.renamed("kid", "k".repeat(1_000_000).into());
        cases.refuse("kid/1 MB", huge, Why::TooLong);
        for kid in [json!(7), json!([own]), Value::Null, json!({}), json!(false)] {
            let name = format!("kid/of type {kid}").replace(own, "own");
            cases.refuse(name, self.renamed("kid", kid), Why::Malformed);
        }
        let absent = assemble(&without(&self.header, "kid"), self.payload, self.signature);
        cases.refuse("kid/absent", absent, Why::Key);
    }

    /// Everything right but what was signed.
    fn other_claims(&self, cases: &mut Cases) {
        cases.covering("S14 CVE-2024-51744");
        let claims = json_of(self.payload);
        for (name, member, value) in [
            ("promoted", "roles", json!(["admin"])),
            (
                "another user",
                "sub",
                json!("0190b0a0-0000-7000-8000-00000000ffff"),
            ),
            ("lives longer", "exp", json!(253_402_300_799_i64)),
            ("expired and unsigned", "exp", json!(1)),
        ] {
            let payload = encode(with(&claims, member, value).to_string());
            let token = assemble(&self.header, &payload, self.signature);
            cases.refuse(format!("claims/{name}"), token, Why::Signature);
        }
    }
}
