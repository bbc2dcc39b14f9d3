//! `GET /v1/revocations`: the ids of ended sessions as server-sent events, for services that verify
//! tokens themselves and want to know of an end at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::Abortable;
use token_core::client::Scope;
use token_core::id::SessionId;
use token_core::service::Heard;
use token_core::token::subject::Subject;

use super::events::Feed;
use crate::extract::Client;
use crate::extract::access::presented;
use crate::oauth;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::streams::NoRoom;

/// What a machine's token must be good for.
const SCOPE: &str = "revocations";
/// How long one stream lasts. Its reader comes back and goes on from where it was, and proves again
/// who it is.
const LONGEST: Duration = Duration::from_hours(1);

/// Who may follow.
struct Admitted {
    watched: SessionId,
    lasts: Duration,
}

/// Tells a registered client, or a machine with a token for this.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let admitted = admit(&request, &state, &client).await?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies that collect answers before they pass them on would keep it for ever.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let (place, end) = state.streams.open(admitted.watched)?;
    let mut cursors = request.headers().get_all("last-event-id");
    let cursor = cursors.next().filter(|_| cursors.next().is_none());
    let cursor = cursor.and_then(|value| value.to_str().ok());
    let heard = cursor.map_or(Heard::NOTHING, Heard::parse);
    let feed = Feed {
        service: Arc::clone(&state.service),
        sessions: state.service.follow_ended_sessions(heard),
        place,
        watched: admitted.watched,
        until: Instant::now() + admitted.lasts,
    };
    // When it ends, the server stops or the reader is to come back: on another connection.
    answer.force_close();
    Ok(answer.streaming(Abortable::new(Box::pin(feed.stream()), end)))
}

async fn admit(
    request: &HttpRequest,
    state: &AppState,
    client: &Client,
) -> Result<Admitted, Problem> {
    let service = &state.service;
    if oauth::is_basic(request.headers()) {
        let basic = oauth::basic(request.headers()).ok().flatten();
        let basic = basic.ok_or(Code::InvalidClient)?;
        let presented = basic.at(client.facts(None).ip);
        let client = oauth::prove(service, presented).await?;
        let client = client.registered().ok_or(Code::InvalidClient)?;
        // A client may have given all its tokens back and be as welcome as before. What is watched
        // has to end with it.
        let own = service.session_of_client(client).await?;
        return Ok(Admitted {
            watched: own,
            lasts: LONGEST,
        });
    }
    let token = presented(request, state)?.ok_or(Code::AccessTokenMissing)?;
    let access = service.authenticate(&token)?;
    let scope = Scope::parse(&access.scope).unwrap_or_default();
    if !matches!(access.subject, Subject::Client(_)) || !scope.contains(SCOPE) {
        return Err(Code::InsufficientScope.into());
    }
    Ok(Admitted {
        watched: access.session_id,
        lasts: service.time_left(&access).min(LONGEST),
    })
}

impl From<NoRoom> for Problem {
    fn from(NoRoom: NoRoom) -> Self {
        Code::TooManyStreams.into()
    }
}
