//! Where a new password comes from: standard input, a file, the terminal, or thin air. Never from
//! an argument, which every process of the machine can read.

use std::fs::File;
use std::io::{self, Read};
use std::iter;

use token_core::password::{NewPassword, PasswordPolicy};
use token_core::random::{self, Entropy};
use token_core::secret::SecretString;
use token_core::user::User;

use crate::args::PasswordSource;
use crate::failure::Failure;
use crate::question;

/// More than anybody types, and as much as the server takes in one request.
const MAX_BYTES: u64 = 64 * 1024;

/// 32 characters that nobody mistakes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of four characters in a generated password: 120 bits.
const GROUPS: usize = 6;

/// A password that may be set, and its text where somebody has to be told.
pub struct Chosen {
    /// The password.
    pub password: NewPassword,
    /// The password again, if it was made up here.
    pub generated: Option<SecretString>,
}

/// Gets a password and holds it against the policy; `context` are the user's own names.
pub fn choose(
    source: &PasswordSource,
    policy: PasswordPolicy,
    context: &[&str],
    entropy: &dyn Entropy,
) -> Result<Chosen, Failure> {
    let text = if source.generate {
        generate(policy, entropy)
    } else if source.password_stdin {
        read(io::stdin().lock()).map_err(input("standard input"))?
    } else if let Some(path) = &source.password_file {
        File::open(path)
            .and_then(read)
            .map_err(input(&path.display().to_string()))?
    } else {
        question::password()?
    };
    Ok(Chosen {
        password: policy.check(text.expose(), context)?,
        generated: source.generate.then_some(text),
    })
}

/// What an attacker would try first: the user's own names.
pub fn context(user: &User) -> [&str; 3] {
    [
        user.username.as_str(),
        user.email.as_str(),
        user.full_name.as_str(),
    ]
}

/// The whole input but for the end of its line, which editors and `echo` put there.
fn read(input: impl Read) -> io::Result<SecretString> {
    let mut text = String::new();
    let length = input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_BYTES {
        let message = format!("it has more than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let end = text.strip_suffix('\n').unwrap_or(&text);
    text.truncate(end.strip_suffix('\r').unwrap_or(end).len());
    Ok(text.into())
}

/// Random groups of characters, as many as the policy wants and at least 120 bits.
fn generate(policy: PasswordPolicy, entropy: &dyn Entropy) -> SecretString {
    let wanted = usize::try_from(policy.min_length).unwrap_or(usize::MAX);
    let groups = GROUPS.max(wanted.saturating_add(1).div_ceil(5));
    let group = || {
        let bytes: [u8; 4] = random::bytes(entropy);
        bytes.map(|byte| {
            let character = ALPHABET.get(usize::from(byte % 32)).copied();
            char::from(character.unwrap_or_default())
        })
    };
    let words: Vec<String> = iter::repeat_with(|| group().iter().collect())
        .take(groups)
        .collect();
    words.join("-").into()
}

fn input(from: &str) -> impl FnOnce(io::Error) -> Failure + '_ {
    move |source| Failure::PasswordInput {
        from: from.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use token_core::random::SystemEntropy;

    use super::*;

    fn of(bytes: &[u8]) -> Result<String, io::ErrorKind> {
        read(bytes)
            .map(|text| text.expose().to_owned())
            .map_err(|error| error.kind())
    }

    /// S71 S72: nothing is cut off but one end of line.
    #[test]
    fn one_end_of_line_is_dropped() {
        assert_eq!(of(b" a b \n").as_deref(), Ok(" a b "));
        assert_eq!(of(b"a\r\n").as_deref(), Ok("a"));
        assert_eq!(of(b"a\n\n").as_deref(), Ok("a\n"));
        assert_eq!(of(b"a").as_deref(), Ok("a"));
        assert_eq!(of(b"\xff"), Err(io::ErrorKind::InvalidData));
        assert_eq!(of(&vec![b'a'; 65_536]).map(|text| text.len()), Ok(65_536));
        assert_eq!(of(&vec![b'a'; 65_537]), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn a_generated_password_satisfies_any_policy() {
        let entropy = SystemEntropy::default();
        for min_length in [1, 8, 29, 30, 64, 128] {
            let policy = PasswordPolicy { min_length };
            let text = generate(policy, &entropy);
            assert!(policy.check(text.expose(), &[]).is_ok(), "{min_length}");
            assert_ne!(text.expose(), generate(policy, &entropy).expose());
        }
        let usual = generate(PasswordPolicy { min_length: 8 }, &entropy);
        let mut groups = usual.expose().split('-');
        assert!(groups.all(|g| g.len() == 4 && g.bytes().all(|b| ALPHABET.contains(&b))));
        assert_eq!(usual.expose().len(), 29);
    }
}
