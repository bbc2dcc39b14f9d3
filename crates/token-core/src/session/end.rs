//! Why a session ended.

use std::fmt;
use std::str::FromStr;

macro_rules! end_reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a session ended, as `session list`, the audit log and the metrics name it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EndReason {
            $($(#[$doc])* $variant,)*
        }

        impl EndReason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The reason's name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

end_reasons! {
    /// The user logged out here.
    Logout = "logout",
    /// The user logged out everywhere.
    LogoutAll = "logout_all",
    /// The user logged out everywhere else.
    LogoutOthers = "logout_others",
    /// The same browser logged in anew.
    Replaced = "replaced",
    /// The password was changed or set.
    PasswordChanged = "password_changed",
    /// The user was disabled.
    UserDisabled = "user_disabled",
    /// The user was deleted.
    UserDeleted = "user_deleted",
    /// An admin ended it.
    Admin = "admin",
    /// The user had more sessions than allowed, and this one was refreshed least recently.
    Limit = "limit",
    /// A refresh token was used again that had long been replaced: somebody has a copy.
    ReuseDetected = "reuse_detected",
    /// A genuine refresh token was newer than the database: data was lost.
    StateLost = "state_lost",
    /// Its time had passed.
    Expired = "expired",
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EndReason {
    type Err = UnknownEndReason;

    fn from_str(text: &str) -> Result<Self, UnknownEndReason> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or(UnknownEndReason)
    }
}

/// The text names no end reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an end reason")]
pub struct UnknownEndReason;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for reason in EndReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert_eq!("".parse::<EndReason>(), Err(UnknownEndReason));
    }
}
