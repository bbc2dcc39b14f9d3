//! The text of a token damaged: its shape, its alphabet, its bits.

use serde_json::json;

use crate::token::{encode, parts, with_spare_bits};
use crate::{Cases, Why};

/// A limit of 8 KiB is what renewd promises; everything over it is refused unseen.
const LIMIT: usize = 8 * 1024;

/// Other shapes than three parts of strict base64url.
pub(super) fn shapes(token: &str, cases: &mut Cases) {
    other_parts(token, cases);
    json_forms(token, cases);
    alphabet(token, cases);
    sizes(token, cases);
}

fn other_parts(token: &str, cases: &mut Cases) {
    cases.covering("S17 CVE-2023-51774");
    let [header, payload, signature] = parts(token);
    for (name, text) in [
        ("empty", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{token}.AAAA")),
        ("four parts, last empty", format!("{token}.")),
        ("four parts, first empty", format!(".{token}")),
        ("five parts", format!("{token}.AAAA.AAAA")),
        (
            "five parts of a JWE",
            format!("{header}..{payload}.{payload}.{signature}"),
        ),
        ("no header", format!(".{payload}.{signature}")),
        ("twice", format!("{token}{token}")),
        ("two tokens", format!("{token} {token}")),
        ("two tokens and a comma", format!("{token},{token}")),
        ("in quotes", format!("\"{token}\"")),
        ("parts exchanged", format!("{payload}.{header}.{signature}")),
        ("percent-encoded", token.replace('.', "%2E")),
    ] {
        cases.refuse(format!("form/{name}"), text, Why::Malformed);
    }
    let detached = format!("{header}..{signature}");
    cases.refuse("form/detached payload", detached, Why::Signature);
}

fn json_forms(token: &str, cases: &mut Cases) {
    cases.covering("S17 CVE-2016-9122");
    let [header, payload, signature] = parts(token);
    let flat = json!({ "protected": header, "payload": payload, "signature": signature });
    let one = json!({ "protected": header, "signature": signature });
    let none = json!({ "protected": encode(r#"{"alg":"none"}"#), "signature": "" });
    let general = json!({ "payload": payload, "signatures": [one] });
    let two = json!({ "payload": payload, "signatures": [none, one] });
    for (name, form) in [
        ("flattened", flat),
        ("general", general),
        ("two signatures", two),
    ] {
        cases.refuse(
            format!("form/JSON {name}"),
            form.to_string(),
            Why::Malformed,
        );
    }
}

fn alphabet(token: &str, cases: &mut Cases) {
    cases.covering("S16");
    let [header, payload, signature] = parts(token);
    let of = |at: usize, part: String| {
        let mut all = [header, payload, signature].map(str::to_owned);
        all[at] = part;
        all.join(".")
    };
    for (at, name, part) in [
        (0, "header", header),
        (1, "payload", payload),
        (2, "signature", signature),
    ] {
        // The payload is not decoded before it is known to be the signed one.
        let why = if at == 1 {
            Why::Signature
        } else {
            Why::Malformed
        };
        for (what, text) in [
            ("=", format!("{part}=")),
            ("==", format!("{part}==")),
            ("+", format!("+{}", &part[1..])),
            ("/", format!("/{}", &part[1..])),
            ("a space", format!("{part} ")),
            ("a space before", format!(" {part}")),
            ("a newline", format!("{part}\n")),
            (
                "a newline inside",
                format!("{}\n{}", &part[..4], &part[4..]),
            ),
            ("a tab", format!("{part}\t")),
            ("NUL", format!("{part}\u{0}")),
            (
                "a letter of another script",
                format!("{}\u{410}", &part[..part.len() - 1]),
            ),
        ] {
            cases.refuse(format!("base64/{name} with {what}"), of(at, text), why);
        }
    }
    // A signature of 3072 bits has none.
    if let Some(spare) = with_spare_bits(signature) {
        let token = of(2, spare);
        cases.refuse("base64/signature with spare bits", token, Why::Malformed);
    }
    for (name, tail) in [("A", "A"), ("AA", "AA"), ("AAA", "AAA"), ("AAAA", "AAAA")] {
        let text = format!("{signature}{tail}");
        cases.refuse(
            format!("base64/signature with {name} after it"),
            of(2, text),
            Why::Damaged,
        );
    }
    cases.refuse("base64/lower case", token.to_lowercase(), Why::Damaged);
    cases.refuse(
        "base64/BOM before",
        format!("\u{feff}{token}"),
        Why::Malformed,
    );
}

fn sizes(token: &str, cases: &mut Cases) {
    cases.covering("S19 CVE-2025-30204 CVE-2025-27144 CVE-2025-61920");
    let [header, payload, signature] = parts(token);
    cases.refuse("size/8,000 dots", ".".repeat(8_000), Why::Malformed);
    cases.refuse("size/1,000,000 dots", ".".repeat(1_000_000), Why::TooLong);
    let long = format!("{header}.{payload}.{}", "A".repeat(LIMIT));
    cases.refuse("size/long signature", long, Why::TooLong);
    let long = format!("{}.{payload}.{signature}", "A".repeat(1_000_000));
    cases.refuse("size/1 MB header", long, Why::TooLong);
}

/// The token with each of its bits flipped in turn; bytes that are then no ASCII are left out,
/// because no header and no JSON carries them.
pub fn flips(token: &str) -> impl Iterator<Item = (String, String)> + '_ {
    (0..token.len() * 7).map(|bit| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[bit / 7] ^= 1 << (bit % 7);
        let text = String::from_utf8(bytes).expect("ASCII stays ASCII");
        (format!("bit {} of byte {}", bit % 7, bit / 7), text)
    })
}

/// The token cut off after each of its characters, and before.
pub fn cuts(token: &str) -> impl Iterator<Item = (String, String)> + '_ {
    (1..token.len()).flat_map(|at| {
        let (head, tail) = token.split_at(at);
        [
            (format!("cut after {at}"), head.to_owned()),
            (format!("cut before {at}"), tail.to_owned()),
        ]
    })
}
