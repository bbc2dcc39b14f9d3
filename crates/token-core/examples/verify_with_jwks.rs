//! Verifies an access token against a JWKS document, as a service does that was given the
//! document's text by whatever HTTP client it has.
//!
//! ```text
//! curl -s http://localhost:8080/.well-known/jwks.json > jwks.json
//! echo "$ACCESS_TOKEN" |
//!   cargo run --release -p token-core --example verify_with_jwks -- jwks.json http://localhost:8080
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io;

use token_core::key::VerificationKeys;
use token_core::time::{Clock, SystemClock};
use token_core::token::access::{AccessVerifier, VerifierPolicy};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(issuer)) = (arguments.next(), arguments.next()) else {
        return Err("usage: verify_with_jwks JWKS_FILE ISSUER [AUDIENCE] < TOKEN".into());
    };
    let audience = arguments.next().unwrap_or_else(|| issuer.clone());

    let keys = VerificationKeys::from_jwks(&std::fs::read_to_string(file)?)?;
    let verifier = AccessVerifier::new(VerifierPolicy::new(&issuer, &audience)?);

    let token = io::read_to_string(io::stdin())?;
    let access = verifier.verify(&keys, token.trim(), SystemClock::default().now())?;
    println!("subject  {}", access.subject);
    println!("session  {}", access.session_id);
    println!("expires  {}", access.expires_at.to_rfc3339());
    println!("profile  {}", serde_json::to_string(&access.profile)?);
    Ok(())
}
