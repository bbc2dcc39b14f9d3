//! Redactions for snapshots that check the form of what they hide.

use e2e::jwt;
use insta::dynamic_redaction;
use insta::internals::Redaction;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A UUID of version 7.
pub fn id() -> Redaction {
    dynamic_redaction(|value, path| {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        let id = Uuid::parse_str(text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        assert_eq!(id.get_version_num(), 7, "{path}: {text}");
        assert_eq!(id.hyphenated().to_string(), text, "{path}");
        "[id]"
    })
}

/// A time of today in RFC 3339 and UTC.
pub fn time() -> Redaction {
    dynamic_redaction(|value, path| {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.ends_with('Z'), "{path} is UTC: {text}");
        "[time]"
    })
}

/// A JWT of this `typ`.
pub fn token(typ: &'static str) -> Redaction {
    dynamic_redaction(move |value, path| {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        assert_eq!(jwt::header(text)["typ"], typ, "{path}");
        format!("[{typ}]")
    })
}

/// Seconds since 1970 near now: up to `ahead` seconds from now.
pub fn seconds(ahead: u32) -> Redaction {
    dynamic_redaction(move |value, path| {
        let seconds = value
            .as_i64()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        let off = f64::from(i32::try_from(seconds).expect("before 2038")) - e2e::clock::now();
        assert!(
            off > -60.0 && off <= f64::from(ahead) + 1.0,
            "{path} is {off} from now"
        );
        "[seconds]"
    })
}

/// The number of a place in a status list.
pub fn place() -> Redaction {
    dynamic_redaction(|value, path| {
        let index = value
            .as_i64()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        assert!((0..1 << 17).contains(&index), "{path}: {index}");
        "[place]"
    })
}

/// Base64url of at least this many bytes.
pub fn random(bytes: usize) -> Redaction {
    dynamic_redaction(move |value, path| {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        assert!(jwt::decode(text).len() >= bytes, "{path}: {text}");
        "[random]"
    })
}

/// Some text that is not empty.
pub fn text() -> Redaction {
    dynamic_redaction(|value, path| {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value:?}"));
        assert!(!text.is_empty(), "{path} is empty");
        "[text]"
    })
}
