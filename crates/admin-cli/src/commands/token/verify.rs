//! `renewctl token verify`

use storage_diesel::Storage;
use token_core::id::{ClientId, SessionId};
use token_core::key::{
    AccessAlgorithm, KeyRing, KeySources, SigningSecret, VerificationKey, VerificationKeys,
};
use token_core::session::{Session, SessionState};
use token_core::store::{KeyPurpose, KeyStore, SessionStore};
use token_core::time::Timestamp;
use token_core::token::access::{AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::jws::Compact;
use token_core::token::refresh as refresh_token;
use token_core::token::subject::Subject;
use token_core::user::User;

use super::read;
use crate::args::TokenSource;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::master_key;
use crate::output::{Answer, SessionVerdict, Verdict};

/// Verifies an access or a refresh token with the keys of the database, and looks its session up.
/// Issuer and audience are compared where they are configured here.
pub fn run(source: &TokenSource, context: &Context) -> Result<Answer, Failure> {
    let token = read(source)?;
    let token = token.expose();
    let store = context.open()?;
    let verdict = match Compact::parse(token) {
        Err(error) => Verdict::refused(None, error.to_string()),
        Ok(compact) if compact.has_typ(refresh_token::TYP) => refresh(token, &store, context)?,
        Ok(compact) => match [AccessTyp::AtJwt, AccessTyp::Jwt]
            .into_iter()
            .find(|typ| compact.has_typ(typ.as_str()))
        {
            Some(typ) => access(token, typ, &store, context)?,
            None => Verdict::refused(None, "it is neither an access nor a refresh token".into()),
        },
    };
    Ok(Answer::Verified(verdict))
}

fn access(
    token: &str,
    typ: AccessTyp,
    store: &Storage,
    context: &Context,
) -> Result<Verdict, Failure> {
    const KIND: Option<&str> = Some("access");
    let tokens = &context.settings.tokens;
    let told = |name| claim(token, name).unwrap_or_default();
    let issuer = tokens.issuer.clone().unwrap_or_else(|| told("iss"));
    let audience = match (&tokens.audience, &tokens.issuer) {
        (Some(audience), _) | (None, Some(audience)) => audience.clone(),
        (None, None) => told("aud"),
    };
    let Ok(policy) = VerifierPolicy::new(&issuer, &audience) else {
        return Ok(Verdict::refused(
            KIND,
            "it names no issuer and audience".into(),
        ));
    };
    let policy = policy
        .with_typ(typ)
        .with_leeway(tokens.leeway)
        .map_err(Failure::value("leeway"))?
        .with_max_lifetime(tokens.access_lifetime);
    let keys = access_keys(store, tokens.access_secret()?)?;
    let access = match AccessVerifier::new(policy).verify(&keys, token, context.now()) {
        Ok(access) => access,
        Err(error) => return Ok(Verdict::refused(KIND, error.to_string())),
    };
    let found = find(store, access.session_id)?;
    let is_subject = |session: &Session, user: Option<&User>| match &access.subject {
        Subject::User(id) => session.user_id == *id && user.is_some_and(User::is_active),
        Subject::Client(_) => user.is_none(),
    };
    let session = judge(found, &access.client_id, is_subject, context.now());
    Ok(Verdict {
        kind: KIND,
        reason: session.reason(),
        subject: Some(access.subject.to_string()),
        client_id: Some(access.client_id),
        session_id: Some(access.session_id),
        expires_at: Some(access.expires_at),
        session: Some(session),
    })
}

fn refresh(token: &str, store: &Storage, context: &Context) -> Result<Verdict, Failure> {
    const KIND: Option<&str> = Some("refresh");
    let tokens = &context.settings.tokens;
    let sources = KeySources {
        master: master_key(&context.settings, false)?,
        access_secret: tokens.access_secret()?,
        access_algorithm: AccessAlgorithm::Es256,
        refresh_secret: tokens.refresh_secret()?,
    };
    let ring = KeyRing::open(&sources, &wait(store.keys())?)?;
    let told = || claim(token, "iss").unwrap_or_default();
    let issuer = tokens.issuer.clone().unwrap_or_else(told);
    let presented = match refresh_token::verify_whenever(&issuer, ring.refresh(), token) {
        Ok(presented) => presented,
        Err(error) => return Ok(Verdict::refused(KIND, error.to_string())),
    };
    let found = find(store, presented.session_id)?;
    let is_current = found.as_ref().is_some_and(|(session, _)| {
        session.generation == presented.generation
            && session.refresh_digest == presented.secret.digest()
    });
    let is_subject = |session: &Session, user: Option<&User>| {
        session.user_id == presented.user_id && user.is_some_and(User::is_active)
    };
    let session = judge(found, &presented.client_id, is_subject, context.now());
    let reason = if presented.expires_at <= context.now() {
        Some("the refresh token has expired".to_owned())
    } else {
        let spent = || "it is not the session's current refresh token".to_owned();
        session.reason().or_else(|| (!is_current).then(spent))
    };
    Ok(Verdict {
        kind: KIND,
        reason,
        subject: Some(presented.user_id.to_string()),
        client_id: Some(presented.client_id),
        session_id: Some(presented.session_id),
        expires_at: Some(presented.expires_at),
        session: Some(session),
    })
}

/// Public keys are not sealed: no master key is needed for them.
fn access_keys(
    store: &Storage,
    secret: Option<SigningSecret>,
) -> Result<VerificationKeys, Failure> {
    if let Some(secret) = secret {
        return Ok(VerificationKeys::new(vec![VerificationKey::from_secret(
            &secret,
        )]));
    }
    let stored = wait(store.keys())?;
    let public: Vec<&str> = stored
        .iter()
        .filter(|key| key.purpose == KeyPurpose::Access)
        .filter_map(|key| key.public_jwk.as_deref())
        .collect();
    if public.is_empty() {
        return Ok(VerificationKeys::new(Vec::new()));
    }
    let document = format!("{{\"keys\":[{}]}}", public.join(","));
    VerificationKeys::from_jwks(&document).map_err(Failure::value("stored keys cannot be used:"))
}

fn find(store: &Storage, id: SessionId) -> Result<Option<(Session, Option<User>)>, Failure> {
    Ok(wait(store.session(id))?)
}

fn judge(
    found: Option<(Session, Option<User>)>,
    client: &ClientId,
    is_subject: impl Fn(&Session, Option<&User>) -> bool,
    now: Timestamp,
) -> SessionVerdict {
    let Some((session, user)) = found else {
        return SessionVerdict::Unknown;
    };
    match session.state(now) {
        SessionState::Ended(reason) => SessionVerdict::Ended(reason),
        SessionState::Expired => SessionVerdict::Expired,
        SessionState::Live if session.client_id != *client => SessionVerdict::Foreign,
        SessionState::Live if !is_subject(&session, user.as_ref()) => SessionVerdict::Foreign,
        SessionState::Live => SessionVerdict::Live,
    }
}

/// A text that the token claims, unverified: for what is not configured here.
fn claim(token: &str, name: &str) -> Option<String> {
    let part = token.split('.').nth(1)?;
    let json = token_core::encoding::decode_base64url(part)?;
    let members = token_core::encoding::unique_json_object(&json)?;
    members.get(name)?.as_str().map(str::to_owned)
}
