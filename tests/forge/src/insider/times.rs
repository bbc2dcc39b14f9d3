//! `exp`, `nbf`, `iat` and `auth_time`: their values and their types.

use serde_json::{Value, json};

use super::Insider;
use crate::token::{with, without};
use crate::{Cases, Why};

/// Clocks of one installation differ by at most this; a token may be from so far in the future.
const CLOCK_BOUND: i64 = 5;

pub(super) fn cases(insider: &Insider<'_>, cases: &mut Cases) {
    types(insider, cases);
    values(insider, cases);
    if insider.frozen {
        boundaries(insider, cases);
    }
}

/// RFC 7519 §2 allows any number of JSON; renewd writes integers and reads nothing else.
fn types(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S11 S12 CVE-2026-25537");
    let soon = insider.now + 60;
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for (what, text) in [
            ("a number in a text", format!("\"{soon}\"")),
            ("a word", "\"never\"".to_owned()),
            ("an empty text", "\"\"".to_owned()),
            ("a date", "\"2027-01-01T00:00:00Z\"".to_owned()),
            ("-1", "-1".to_owned()),
            ("-0", "-0".to_owned()),
            ("-2^63", i64::MIN.to_string()),
            ("2^63", "9223372036854775808".to_owned()),
            ("2^64", "18446744073709551616".to_owned()),
            (
                "2^64 and now",
                format!("{}", (1_i128 << 64) + i128::from(soon)),
            ),
            ("30 digits", "9".repeat(30)),
            ("the year 10000", "253402300800".to_owned()),
            ("1e300", "1e300".to_owned()),
            ("a fraction", format!("{soon}.5")),
            ("an integer as a fraction", format!("{soon}.0")),
            ("in powers of ten", "2e9".to_owned()),
            ("null", "null".to_owned()),
            ("true", "true".to_owned()),
            ("a list", format!("[{soon}]")),
            ("an empty list", "[]".to_owned()),
            ("an object", "{}".to_owned()),
        ] {
            let token = insider.claiming_text(name, &text);
            cases.refuse(format!("{name}/{what}"), token, Why::Claim);
        }
        for text in [
            "1e309",
            "-1e309",
            "1e99999",
            "NaN",
            "Infinity",
            "0x7fffffff",
            "+2000000000",
        ] {
            let token = insider.claiming_text(name, text);
            cases.refuse(format!("{name}/{text}"), token, Why::Malformed);
        }
    }
    for name in ["exp", "iat"] {
        let token = insider.carrying(without(insider.claims, name).to_string());
        cases.refuse(format!("{name}/absent"), token, Why::Claim);
    }
}

fn values(insider: &Insider<'_>, cases: &mut Cases) {
    let now = insider.now;
    cases.covering("S11");
    for (name, exp) in [("0", 0), ("an hour ago", now - 3600), ("just now", now - 1)] {
        cases.refuse(
            format!("exp/{name}"),
            insider.claiming("exp", json!(exp)),
            Why::Expired,
        );
    }
    let far = insider.claiming("exp", json!(253_402_300_799_i64));
    cases.accept("exp/the last second of 9999", far);
    cases.covering("S12");
    for name in ["nbf", "iat"] {
        for (what, at) in [("in a minute", now + 60), ("in a year", now + 31_536_000)] {
            let claims = with(insider.claims, "exp", json!(at + 600));
            let token = insider.carrying(with(&claims, name, json!(at)).to_string());
            cases.refuse(format!("{name}/{what}"), token, Why::NotYet);
        }
    }
    cases.accept(
        "nbf/an hour ago",
        insider.claiming("nbf", json!(now - 3600)),
    );
    let absent = without(insider.claims, "auth_time");
    cases.accept("auth_time/absent", insider.carrying(absent.to_string()));
    // A token cannot lend itself a longer life than this issuer gives.
    let aged = |age: i64| {
        let claims = with(insider.claims, "exp", json!(now + 3600));
        insider.carrying(with(&claims, "iat", json!(now - age)).to_string())
    };
    cases.refuse("iat/0", insider.claiming("iat", json!(0)), Why::Expired);
    cases.refuse(
        "iat/as old as tokens live",
        aged(insider.lifetime),
        Why::Expired,
    );
}

/// RFC 7519 §4.1.4: not accepted *on* or after `exp`.
fn boundaries(insider: &Insider<'_>, cases: &mut Cases) {
    let now = insider.now;
    let claiming = |name: &str, value: i64| insider.claiming(name, Value::from(value));
    cases.covering("S11 S13");
    cases.refuse("exp/this second", claiming("exp", now), Why::Expired);
    cases.accept("exp/the next second", claiming("exp", now + 1));
    cases.covering("S12 S13");
    for name in ["nbf", "iat"] {
        cases.accept(
            format!("{name}/a clock ahead"),
            claiming(name, now + CLOCK_BOUND),
        );
        let token = claiming(name, now + CLOCK_BOUND + 1);
        cases.refuse(format!("{name}/a clock too far ahead"), token, Why::NotYet);
    }
    cases.accept(
        "iat/the last second",
        claiming("iat", now - insider.lifetime + 1),
    );
}
