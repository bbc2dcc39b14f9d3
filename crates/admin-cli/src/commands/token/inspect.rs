//! `renewctl token inspect`

use serde_json::{Map, Value};
use token_core::encoding;

use super::read;
use crate::args::TokenSource;
use crate::failure::Failure;
use crate::output::Answer;

/// Decodes a token of whatever kind, and verifies nothing.
pub fn run(source: &TokenSource) -> Result<Answer, Failure> {
    let token = read(source)?;
    let mut parts = token.expose().split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::NotAToken);
    };
    let (header, claims) = members(header)
        .zip(members(claims))
        .ok_or(Failure::NotAToken)?;
    Ok(Answer::Inspected { header, claims })
}

fn members(part: &str) -> Option<Map<String, Value>> {
    encoding::decode_base64url(part).and_then(|json| encoding::unique_json_object(&json))
}
