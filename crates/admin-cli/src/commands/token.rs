//! `renewctl token …`

mod inspect;
mod verify;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use token_core::secret::SecretString;

use crate::args::{TokenSource, TokenVerb};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// More than any token has.
const MAX_BYTES: u64 = 64 * 1024;

/// Does it.
pub fn run(verb: &TokenVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        TokenVerb::Inspect(source) => inspect::run(source),
        TokenVerb::Verify(source) => verify::run(source, context),
    }
}

/// The token, without white space around it. What cannot be read is not repeated: it may be the
/// token itself that somebody typed in place of a file.
fn read(source: &TokenSource) -> Result<SecretString, Failure> {
    let text = if source.file == Path::new("-") {
        bounded(io::stdin().lock())
    } else {
        File::open(&source.file).and_then(bounded)
    };
    let text = text.map_err(Failure::TokenInput)?;
    Ok(SecretString::new(text.trim().to_owned()))
}

fn bounded(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let length = input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_BYTES {
        let message = format!("it has more than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(text)
}
