//! `POST /v1/login`: a name and a password for a pair of tokens.

use std::str::FromStr;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use token_core::client::RegisteredClient;
use token_core::id::SessionId;
use token_core::password::PresentedPassword;
use token_core::service::{HashRenewal, LoginRequest};
use token_core::session::Transport;
use token_core::user::Identifier;
use tracing::field::display;

use crate::cookies::Kind;
use crate::error::fields::Fault;
use crate::extract::{Client, FromMembers, JsonBody, Members};
use crate::middleware::{csrf, strays};
use crate::oauth;
use crate::problem::{Code, Problem};
use crate::protect::credential;
use crate::routes::wire::PairAnswer;
use crate::state::AppState;

/// The longest label, in characters.
const MAX_LABEL: usize = 64;

/// Exactly one of `identifier`, `email`, `username`; `password`; and, optional, `transport`,
/// `label`, `remember`.
#[derive(Debug)]
pub struct Body {
    identifier: Identifier,
    password: PresentedPassword,
    transport: Transport,
    label: Option<String>,
    remember: bool,
}

impl FromMembers for Body {
    fn read(members: &mut Members, _: &AppState) -> Option<Self> {
        let identifier = identifier(members);
        let password = members.required_text("password");
        let transport = members.optional("transport", Transport::from_str);
        let label = members.optional("label", label);
        let remember = members.flag("remember");
        Some(Self {
            identifier: identifier?,
            password: PresentedPassword::new(&password?),
            transport: transport.unwrap_or(Transport::Body),
            label,
            remember: remember.unwrap_or(true),
        })
    }
}

impl Body {
    fn into_request(self, client: &Client, replaces: Vec<SessionId>) -> LoginRequest {
        LoginRequest {
            client: client.facts(self.label.as_deref()),
            identifier: self.identifier,
            password: self.password,
            transport: self.transport,
            remember: self.remember,
            replaces,
        }
    }
}

/// Opens a session. A cookie login is guarded like a request with cookies, since it would set
/// some, and ends the sessions whose cookies it overwrites. A login through a registered client,
/// which proves who it is in the `Authorization` header, opens a session of that client's.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    client: Client,
    JsonBody(body): JsonBody<Body>,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    let through = through(headers, &state, &client, body.transport).await?;
    let replaces = match body.transport {
        Transport::Body => Vec::new(),
        Transport::Cookie => {
            csrf::check(headers, &state.origins)?;
            sessions_of_cookies(headers, &state)
        }
    };
    let transport = body.transport;
    let login = body.into_request(&client, replaces);
    let ip = login.client.ip.map(display);
    let outcome = state.service.login_through(through.as_ref(), login).await;
    state.metrics.outcomes.logged_in(outcome.as_ref());
    let done = match outcome {
        Ok(done) => done,
        Err(error) => {
            tracing::info!(target: "audit", event = "login_failed", ip, reason = %error);
            return Err(error.into());
        }
    };
    let (session, client) = (done.pair.session.id, &done.pair.session.client_id);
    tracing::info!(target: "audit", event = "login", user = %done.user.id, %session, %client, ip);
    if let Some(renewal) = done.renewal {
        rt::spawn(renew(state.clone(), renewal));
    }
    let answer = PairAnswer::new(&done.pair)
        .with_user(&done.user)
        .respond(&state.cookies)?;
    if transport == Transport::Cookie {
        expire_strays(&request, &state);
    }
    Ok(answer)
}

/// The registered client that the login goes through, if it goes through one. Its tokens are for
/// it, and not for the browser of whoever logs in.
async fn through(
    headers: &HeaderMap,
    state: &AppState,
    client: &Client,
    transport: Transport,
) -> Result<Option<RegisteredClient>, Problem> {
    if !oauth::is_basic(headers) {
        return Ok(None);
    }
    let basic = oauth::basic(headers).ok().flatten();
    let basic = basic.ok_or(Code::InvalidClient)?;
    if transport != Transport::Body {
        let fault = Fault::new(
            "transport",
            "must be body where a client logs in for a user",
        );
        return Err(Problem::invalid(vec![fault.at("transport")]));
    }
    let presented = basic.at(client.facts(None).ip);
    let client = oauth::prove(&state.service, presented).await?;
    let registered = client.registered().ok_or(Code::InvalidClient)?;
    Ok(Some(registered.clone()))
}

/// Whatever cookies came, the answer's take their place. One that it does not overwrite, being of
/// another path or domain, would contradict them in every request to come.
fn expire_strays(request: &HttpRequest, state: &AppState) {
    for kind in [Kind::Access, Kind::Refresh] {
        if !credential::cookies(request.headers(), state.cookies.name(kind)).is_empty() {
            strays::note(request, kind);
        }
    }
}

/// Writes the hash anew while the answer is on its way, so that its cost does not show.
async fn renew(state: web::Data<AppState>, renewal: HashRenewal) {
    if let Err(error) = state.service.renew_hash(renewal).await {
        // The old hash still works, and the next login tries again.
        tracing::warn!(%error, "a password hash was not renewed");
    }
}

fn identifier(members: &mut Members) -> Option<Identifier> {
    let names = ["identifier", "email", "username"];
    let told = names.iter().filter(|name| members.has(name)).count();
    let [either, email, username] = names.map(|name| members.optional_text(name));
    if told != 1 {
        let fault = Fault::new("exactly_one", "give one of identifier, email and username");
        members.note("identifier", fault);
        return None;
    }
    let either = either.map(|text| Identifier::either(&text));
    let email = email.map(|text| Identifier::email(&text));
    let username = username.map(|text| Identifier::username(&text));
    either.or(email).or(username)
}

fn label(text: &str) -> Result<String, Fault> {
    if text.chars().take(MAX_LABEL + 1).count() > MAX_LABEL {
        return Err(Fault::new("too_long", "must have at most 64 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(Fault::new(
            "character",
            "must not contain control characters",
        ));
    }
    Ok(text.to_owned())
}

/// The sessions that correctly signed cookies of the request name.
fn sessions_of_cookies(headers: &HeaderMap, state: &AppState) -> Vec<SessionId> {
    let service = &state.service;
    let cookies = |kind| credential::cookies(headers, state.cookies.name(kind)).into_iter();
    let access = cookies(Kind::Access).filter_map(|token| service.session_of_access(&token));
    let refresh = cookies(Kind::Refresh)
        .filter_map(|token| service.session_of_refresh(&token, Transport::Cookie));
    let mut sessions: Vec<SessionId> = access.chain(refresh).collect();
    sessions.sort_unstable();
    sessions.dedup();
    sessions
}
