//! The outside of a JWT: the compact form of a JWS (RFC 7515 §7.1), its header, its signature.
//!
//! Everything here happens before a claim is believed, and the cheap checks come first.

use serde_json::{Map, Value};

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::encoding;

/// The longest token that is looked at, in bytes. Ours are under 2 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token's three parts, its header decoded, nothing verified yet.
#[derive(Debug)]
pub struct Compact<'a> {
    signing_input: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
    header: Header,
}

/// The members of a header that renewd looks at.
#[derive(Debug)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

/// Why a text is not a token with a good signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of strict base64url with JSON objects of unique members inside.
    #[error("the token is malformed")]
    Malformed,
    /// The header asks for something that is not understood here (`crit`, `b64`, `zip`, `enc`).
    #[error("the token's header has an unsupported extension")]
    UnsupportedHeader,
    /// The signature was made by somebody else, or over something else.
    #[error("the token's signature is wrong")]
    BadSignature,
}

impl<'a> Compact<'a> {
    /// Splits a token and decodes its header. Costs nothing that grows with the input beyond
    /// [`MAX_TOKEN_BYTES`].
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLong);
        }
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::Malformed);
        };
        let signing_input = token
            .get(..header.len() + 1 + payload.len())
            .ok_or(JwsError::Malformed)?;
        let signature = encoding::decode_base64url(signature).ok_or(JwsError::Malformed)?;
        let header = Header::decode(header)?;
        Ok(Self {
            signing_input,
            payload,
            signature,
            header,
        })
    }

    /// The `alg` header, exactly as it stands there.
    pub fn alg(&self) -> &str {
        &self.header.alg
    }

    /// The `kid` header.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether the `typ` header is this media type, with or without `application/`, in any case
    /// (RFC 7515 §4.1.9).
    pub fn has_typ(&self, wanted: &str) -> bool {
        self.header.typ.as_deref().is_some_and(|typ| {
            let short = match typ.split_at_checked("application/".len()) {
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
                _ => typ,
            };
            short.eq_ignore_ascii_case(wanted)
        })
    }

    /// Checks the signature with a key that is for exactly this algorithm, and only then decodes
    /// the claims.
    pub fn verify(
        self,
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<Map<String, Value>, JwsError> {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key)
            .map_err(|_| JwsError::BadSignature)?;
        verifier
            .verify(self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| JwsError::BadSignature)?;
        encoding::decode_base64url(self.payload)
            .and_then(|json| encoding::unique_json_object(&json))
            .ok_or(JwsError::Malformed)
    }
}

impl Header {
    fn decode(part: &str) -> Result<Self, JwsError> {
        let mut members = encoding::decode_base64url(part)
            .and_then(|json| encoding::unique_json_object(&json))
            .ok_or(JwsError::Malformed)?;
        // RFC 7515 §4.1.11: an extension that is not understood makes the token invalid, and none
        // is understood here. `jwk`, `jku`, `x5u` and `x5c` are ignored: keys never come from
        // tokens (RFC 8725 §3.10).
        if ["crit", "b64", "zip", "enc"]
            .iter()
            .any(|name| members.contains_key(*name))
        {
            return Err(JwsError::UnsupportedHeader);
        }
        let alg = text(members.remove("alg"))?.ok_or(JwsError::Malformed)?;
        let typ = text(members.remove("typ"))?;
        let kid = text(members.remove("kid"))?;
        Ok(Self { alg, typ, kid })
    }
}

/// A member that must be a string if it is there.
fn text(member: Option<Value>) -> Result<Option<String>, JwsError> {
    match member {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.AA", encoding::base64url(header))
    }

    fn error(token: &str) -> Option<JwsError> {
        Compact::parse(token).err()
    }

    /// S16 S17 S19 S20: only the compact form, strict and small.
    #[test]
    fn only_three_strict_parts_are_a_token() {
        assert_eq!(error(&token(r#"{"alg":"HS256"}"#)), None);
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c.d",
            "e30=.e30.AA",
            "{}",
            "e30.e30.AA.e30.e30",
        ] {
            assert_eq!(error(bad), Some(JwsError::Malformed), "{bad:?}");
        }
        assert_eq!(error(&".".repeat(1_000_000)), Some(JwsError::TooLong));
        assert_eq!(error(&".".repeat(8_000)), Some(JwsError::Malformed));
        let longest = ".".repeat(MAX_TOKEN_BYTES);
        assert_eq!(error(&longest), Some(JwsError::Malformed));
        assert_eq!(error(&format!("{longest}.")), Some(JwsError::TooLong));
    }

    /// S5 S18 S20: extensions, repeated members, wrong types.
    #[test]
    fn headers_are_strict() {
        for header in [
            r#"{"alg":"HS256","crit":["x"]}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","b64":true}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"dir","enc":"A256GCM"}"#,
        ] {
            assert_eq!(
                error(&token(header)),
                Some(JwsError::UnsupportedHeader),
                "{header}"
            );
        }
        for header in [
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":1}"#,
            r#"{"kid":"x"}"#,
            r#"{"alg":"HS256","kid":7}"#,
            r#"{"alg":"HS256","typ":["at+jwt"]}"#,
            "[]",
            "",
        ] {
            assert_eq!(error(&token(header)), Some(JwsError::Malformed), "{header}");
        }
    }

    /// S7: media types compare without case, with or without their prefix, and otherwise exactly.
    #[test]
    fn typ_is_a_media_type() {
        let has = |typ: &str| {
            let token = token(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#));
            Compact::parse(&token).unwrap().has_typ("at+jwt")
        };
        for good in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/AT+jwt",
        ] {
            assert!(has(good), "{good}");
        }
        for bad in [
            "",
            "jwt",
            "rt+jwt",
            "at+jwt ",
            "text/at+jwt",
            "application.at+jwt",
            "application/application/at+jwt",
        ] {
            assert!(!has(bad), "{bad}");
        }
    }
}
