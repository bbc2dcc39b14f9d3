//! Tokens put together from texts, because a hostile one is often no proper JSON.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::key::Key;

/// Base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The reverse of [`encode`].
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(text)
        .unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// The three parts of a token.
pub fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    let parts = [(); 3].map(|()| parts.next().expect("three parts"));
    assert_eq!(parts.join("."), token, "three parts");
    parts
}

/// The JSON of a part.
pub fn json_of(part: &str) -> Value {
    serde_json::from_slice(&decode(part)).expect("a part of JSON")
}

/// The header of an access token that this key signs.
pub fn header(key: &Key) -> Value {
    json!({ "typ": "at+jwt", "alg": key.algorithm().name(), "kid": key.kid() })
}

/// A token of these two texts, signed with this key whatever they say.
pub fn sign(key: &Key, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    sign_parts(key, &encode(header), &encode(payload))
}

/// The same for parts that are encoded already, or wrongly.
pub fn sign_parts(key: &Key, header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let signature = encode(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// A token with this signature, which may be anything.
pub fn assemble(header: &Value, payload: &str, signature: &str) -> String {
    format!("{}.{payload}.{signature}", encode(header.to_string()))
}

/// `value` with one member changed.
pub fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    value[name] = member;
    value
}

/// `value` with one member left out.
pub fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().expect("an object").remove(name);
    value
}

/// The JSON text of `value` with one member more at its end, which may be there already.
pub fn appended(value: &Value, member: &str) -> String {
    let text = value.to_string();
    format!("{},{member}}}", text.strip_suffix('}').expect("an object"))
}

/// The text with its last character replaced by one that differs in the spare bits only, so that a
/// lax decoder reads the same bytes; `None` where there are no spare bits.
pub fn with_spare_bits(part: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if !matches!(part.len() % 4, 2 | 3) {
        return None;
    }
    let (rest, last) = part.split_at(part.len() - 1);
    let at = ALPHABET.iter().position(|c| *c == last.as_bytes()[0])?;
    Some(format!("{rest}{}", char::from(ALPHABET[at ^ 1])))
}
