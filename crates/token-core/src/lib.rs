//! The domain model and token engine of renewd, without I/O.
//!
//! A session is opened by a login and kept alive by a chain of refresh tokens, of which only the
//! digest of the current one is stored. Everything that decides something about a token lives here
//! as a function of its arguments: time comes from a [`time::Clock`], randomness from a
//! [`random::Entropy`], storage from the ports in [`store`].
//!
//! Where to look:
//! - [`token::access`] mints and verifies access tokens; [`token::refresh`] does it for refresh tokens.
//! - [`token::chain`] computes the successor of a refresh token, [`token::rotation`] decides what a
//!   presented one means.
//! - [`key`] holds the master key and the key rings; [`revocation`] the set of ended sessions.
//! - [`client`] has the programs that are registered here, with their secrets and scopes.
//! - [`service`] has the use cases, one a file, over the ports of [`store`] and [`password`].
//!
//! A project that only wants to verify renewd's access tokens needs
//! [`token::access::AccessVerifier`] and a [`key::VerificationKeys`].

pub mod client;
pub mod encoding;
pub mod id;
pub mod key;
pub mod password;
pub mod policy;
pub mod random;
pub mod revocation;
pub mod secret;
pub mod service;
pub mod session;
pub mod store;
pub mod throttle;
pub mod time;
pub mod token;
pub mod user;
