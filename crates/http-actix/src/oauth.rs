//! What the endpoints of OAuth share: bodies that are forms, clients that prove who they are, and
//! errors as OAuth writes them. None of it looks at cookies.

mod accept;
mod caller;
mod error;
mod form;

pub use accept::wants_signed;
pub use caller::{authenticate, basic, is_basic, prove};
pub use error::OAuthError;
pub use form::Form;
