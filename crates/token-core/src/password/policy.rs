//! Which passwords are accepted: length and strength, no rules of composition (NIST SP 800-63B
//! §3.1.1.2).

use zxcvbn::Score;
use zxcvbn::feedback::Feedback;

use super::PresentedPassword;

/// How much of a password the estimate of its strength looks at. Its cost grows with the square of
/// the length, and a text full of digits for letters multiplies it: at 64 characters the worst is
/// about one password hash. Only the scoring is cut, never the password.
const SCORED_CHARS: usize = 64;

/// What a new password must have.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// The least number of code points.
    pub min_length: u32,
}

/// A password that somebody wants to set, long enough. Whether it is hard to guess is found where
/// it is hashed, since that can cost as much.
#[derive(Debug, Clone)]
pub struct CandidatePassword {
    password: PresentedPassword,
    /// What an attacker would try first.
    context: Vec<String>,
}

/// A password that may be set.
#[derive(Debug, Clone)]
pub struct NewPassword(PresentedPassword);

/// Why a password is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRejected {
    /// Fewer code points than the policy asks for.
    #[error("must have at least {min} characters")]
    TooShort {
        /// The least number.
        min: u32,
    },
    /// Too easy to guess.
    #[error("is too easy to guess: {reason}")]
    TooWeak {
        /// What makes it so, and what would help.
        reason: String,
    },
}

impl PasswordPolicy {
    /// Checks a password whole: for programs that have the time.
    pub fn check(&self, input: &str, context: &[&str]) -> Result<NewPassword, PasswordRejected> {
        self.candidate(input, context)?.judge()
    }

    /// Checks a password's length. `context` is what an attacker would try first: the user's own
    /// names.
    pub fn candidate(
        &self,
        input: &str,
        context: &[&str],
    ) -> Result<CandidatePassword, PasswordRejected> {
        let password = PresentedPassword::new(input);
        let min = self.min_length;
        let enough = usize::try_from(min).unwrap_or(usize::MAX);
        if password.expose().chars().take(enough).count() < enough {
            return Err(PasswordRejected::TooShort { min });
        }
        let context = context.iter().map(|name| (*name).to_owned()).collect();
        Ok(CandidatePassword { password, context })
    }
}

impl CandidatePassword {
    /// Estimates how hard the password is to guess. May take as long as a hash.
    pub fn judge(self) -> Result<NewPassword, PasswordRejected> {
        let scored: String = self.password.expose().chars().take(SCORED_CHARS).collect();
        let words: Vec<&str> = self
            .context
            .iter()
            .flat_map(|name| std::iter::once(name.as_str()).chain(name.split(['@', '.', ' '])))
            .filter(|word| word.len() > 2)
            .chain(["renewd"])
            .collect();
        let estimate = zxcvbn::zxcvbn(&scored, &words);
        if estimate.score() >= Score::Three {
            return Ok(NewPassword(self.password));
        }
        let reason = reason(&estimate);
        Err(PasswordRejected::TooWeak { reason })
    }
}

impl NewPassword {
    pub(crate) const fn presented(&self) -> &PresentedPassword {
        &self.0
    }
}

fn reason(estimate: &zxcvbn::Entropy) -> String {
    let feedback = estimate.feedback();
    let warning = feedback.and_then(Feedback::warning).map(|w| w.to_string());
    let advice = feedback
        .into_iter()
        .flat_map(Feedback::suggestions)
        .map(ToString::to_string);
    let all: Vec<String> = warning.into_iter().chain(advice).collect();
    if all.is_empty() {
        "use a longer or less common one".to_owned()
    } else {
        all.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 8 };

    /// S74 S82 S83: length in code points, strength, context; no composition rules.
    #[test]
    fn passwords_are_long_enough_and_hard_to_guess() {
        let mixed: String = (0..64)
            .filter_map(|n| char::from_u32(0x1f400 + n * 37 % 64))
            .collect();
        for good in [
            "correct horse battery",
            "жираф гуляет по луне",
            "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 is fun",
            &mixed,
        ] {
            assert!(POLICY.check(good, &[]).is_ok(), "{good}");
        }
        assert_eq!(
            POLICY.check("🦀🐢🦊🐝🦀🐢🦊", &[]).err(),
            Some(PasswordRejected::TooShort { min: 8 })
        );
        for bad in [
            "password",
            "12345678",
            "aaaaaaaaaaaaaaaa",
            "qwertyuiop",
            "P@ssw0rd!",
        ] {
            let rejected = POLICY.check(bad, &[]).err();
            assert!(
                matches!(rejected, Some(PasswordRejected::TooWeak { .. })),
                "{bad}"
            );
        }
        let context = ["wilhelmina", "wilhelmina@montgomery.example"];
        assert!(POLICY.check("wilhelmina", &context).is_err());
        assert!(POLICY.check("montgomery", &context).is_err());
    }

    /// S82: what is hard to guess for everybody else is not for whoever knows the user's names.
    #[test]
    fn names_of_the_user_count_for_nothing() {
        let strong = "qzvkxwjhpl";
        assert!(POLICY.check(strong, &[]).is_ok());
        for names in [strong, "qzvkxwjhpl@example.com", "Ada Qzvkxwjhpl"] {
            assert!(POLICY.check(strong, &[names]).is_err(), "{names}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        for (weak, why) in [("password", "common"), ("abcdefgh", "sequence")] {
            let rejected = POLICY.check(weak, &[]).err();
            let Some(PasswordRejected::TooWeak { reason }) = rejected else {
                panic!("{weak} is taken");
            };
            assert!(reason.to_lowercase().contains(why), "{reason}");
        }
    }

    #[test]
    fn a_very_long_password_is_kept_whole() {
        let long = "correct horse battery staple ".repeat(2_000);
        let password = POLICY.check(&long, &[]).unwrap();
        assert_eq!(password.presented().expose().len(), long.len());
    }

    /// S98: what is scored has a bound, so a long password costs no more than its first 64
    /// characters.
    #[test]
    fn only_the_beginning_is_scored() {
        let weak = "a".repeat(64);
        let strong_tail = format!("{weak}correct horse battery staple");
        let rejected = POLICY.check(&strong_tail, &[]).err();
        assert!(matches!(rejected, Some(PasswordRejected::TooWeak { .. })));
    }
}
