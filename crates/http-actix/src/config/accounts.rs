//! `[accounts]`: who may have an account, and how passwords are checked.

use token_core::password::{BcryptCost, PasswordPolicy};
use token_core::policy::RegistrationPolicy;

use super::error::ConfigError;
use super::raw::Raw;
use super::settings::{BCRYPT_COST, HASH_QUEUE, PASSWORD_MIN_LENGTH, REGISTRATION, THROTTLE};

/// Who may have an account, and how passwords are checked.
#[derive(Debug)]
pub struct AccountsConfig {
    /// Who makes accounts.
    pub registration: RegistrationPolicy,
    /// What a password must have.
    pub passwords: PasswordPolicy,
    /// The cost of a password hash.
    pub bcrypt_cost: BcryptCost,
    /// How many password checks may wait.
    pub hash_queue: usize,
    /// Limit password attempts.
    pub throttle: bool,
}

impl AccountsConfig {
    /// Checks the section.
    pub fn parse(raw: &Raw, warnings: &mut Vec<String>) -> Result<Self, ConfigError> {
        let throttle = raw.choose(&THROTTLE, &[("on", true), ("off", false)])?;
        if !throttle {
            warnings.push(format!(
                "{}: passwords can be guessed without limit; off is for load tests only",
                THROTTLE.variable
            ));
        }
        let queue = raw.number(&HASH_QUEUE, 1..=100_000)?;
        Ok(Self {
            registration: raw.parse(&REGISTRATION, parse_registration)?,
            // 64 characters must always be acceptable (NIST SP 800-63B §3.1.1.2).
            passwords: PasswordPolicy {
                min_length: raw.number(&PASSWORD_MIN_LENGTH, 8..=64)?,
            },
            bcrypt_cost: raw.parse(&BCRYPT_COST, parse_cost)?,
            hash_queue: usize::try_from(queue).unwrap_or(usize::MAX),
            throttle,
        })
    }
}

fn parse_registration(text: &str) -> Result<RegistrationPolicy, &'static str> {
    match text {
        "open" => Ok(RegistrationPolicy::Open),
        "closed" => Ok(RegistrationPolicy::Closed),
        "verify-first" => Err("needs mail, which this release does not have: open or closed"),
        _ => Err("must be open or closed"),
    }
}

fn parse_cost(text: &str) -> Result<BcryptCost, String> {
    let number = text.parse().unwrap_or_default();
    BcryptCost::new(number).map_err(|error| error.to_string())
}
