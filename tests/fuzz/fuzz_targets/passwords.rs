//! New passwords, judged beside the names of their user: a line each, the password last.
//!
//! A password that is accepted is long enough, is accepted again, and is not one of the names; the
//! reason of a refusal repeats none of it.

#![no_main]

use fuzz::request::MARK;
use libfuzzer_sys::fuzz_target;
use token_core::password::{PasswordPolicy, PresentedPassword};

const POLICY: PasswordPolicy = PasswordPolicy { min_length: 8 };

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let password = lines.pop().unwrap_or_default();
    let shown = format!("{:?}", PresentedPassword::new(password));
    assert!(!shown.contains(MARK), "printed");
    match POLICY.check(password, &lines) {
        Ok(_) => {
            assert!(password.chars().count() >= 8, "too short");
            assert!(
                POLICY.check(password, &lines).is_ok(),
                "judged twice, not alike"
            );
            assert!(
                POLICY.check(password, &[]).is_ok(),
                "names never make it better"
            );
        }
        Err(error) => {
            let is_in_names = lines.iter().any(|line| line.contains(MARK));
            assert!(is_in_names || !error.to_string().contains(MARK), "told");
        }
    }
});
