//! Where this system keeps the certificates of the authorities that it trusts.

use std::path::Path;

/// Debian and its kin, Fedora and its kin, SUSE, Alpine and FreeBSD, macOS.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/private/etc/ssl/cert.pem",
];

/// What OpenSSL looks at before any directory of its own.
const OPERATORS_CHOICE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The file with all of them, to be named to a TLS library that was built elsewhere; `None` where
/// there is none, or where the library is told by its own variables.
#[expect(
    clippy::disallowed_methods,
    reason = "these variables are OpenSSL's, not the program's: whoever sets them means OpenSSL"
)]
pub(super) fn system_roots() -> Option<&'static str> {
    let is_set = |name| std::env::var_os(name).is_some();
    if OPERATORS_CHOICE.into_iter().any(is_set) {
        return None;
    }
    BUNDLES.into_iter().find(|path| Path::new(path).is_file())
}
