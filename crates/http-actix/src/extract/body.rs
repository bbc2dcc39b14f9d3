//! JSON bodies, read strictly: bounded in size and time, of the right type, with the right members.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

use super::{FromMembers, Members, state};
use crate::problem::{Code, Problem};

/// The longest body, in bytes.
const LIMIT: usize = 64 * 1024;
/// How much of a longer body is read and dropped, so that its sender gets to read the answer
/// instead of an error from a connection that was closed while it wrote.
const DRAINED: usize = 2 * 1024 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// A JSON body, or none, which is read as an object without members.
#[derive(Debug)]
pub struct OptionalJsonBody<T>(pub T);

impl<T: FromMembers + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(payload).await?;
            let members = members(&request, &bytes)?;
            Ok(Self(finish(members, &request)?))
        })
    }
}

impl<T: FromMembers + 'static> FromRequest for OptionalJsonBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(payload).await?;
            let members = if bytes.is_empty() {
                Members::default()
            } else {
                members(&request, &bytes)?
            };
            Ok(Self(finish(members, &request)?))
        })
    }
}

fn finish<T: FromMembers>(mut members: Members, request: &HttpRequest) -> Result<T, Problem> {
    let read = T::read(&mut members, &*state(request)?);
    members.finish(read)
}

fn members(request: &HttpRequest, bytes: &[u8]) -> Result<Members, Problem> {
    // Parameters such as a charset change nothing (RFC 8259 §11).
    let is_json = request
        .content_type()
        .eq_ignore_ascii_case("application/json");
    let types = request.headers().get_all(header::CONTENT_TYPE).count();
    if !is_json || types != 1 {
        return Err(Code::UnsupportedMediaType.into());
    }
    Members::parse(bytes)
}

/// Reads a whole body, in bounds.
pub async fn read(payload: Payload) -> Result<Bytes, Problem> {
    match timeout(PATIENCE, read_bounded(payload)).await {
        Ok(read) => read,
        Err(_) => Err(Code::BodyTimeout.into()),
    }
}

async fn read_bounded(mut payload: Payload) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Code::IncompleteBody)?;
        seen += chunk.len();
        if seen <= LIMIT {
            body.extend_from_slice(&chunk);
        } else if seen > DRAINED {
            break;
        }
    }
    if seen > LIMIT {
        return Err(Code::BodyTooLarge.into());
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    async fn read_of(bytes: usize) -> Result<usize, Code> {
        let request = TestRequest::post().set_payload(vec![b' '; bytes]);
        let (_, payload) = request.to_http_parts();
        read(payload).await.map(|b| b.len()).map_err(|p| p.code())
    }

    /// S127: 64 KiB and no more.
    #[actix_web::test]
    async fn bodies_are_bounded() {
        assert_eq!(read_of(0).await, Ok(0));
        assert_eq!(read_of(LIMIT).await, Ok(LIMIT));
        assert_eq!(read_of(LIMIT + 1).await, Err(Code::BodyTooLarge));
        assert_eq!(read_of(DRAINED + 1).await, Err(Code::BodyTooLarge));
    }

    fn typed(types: &[&str]) -> Result<(), Code> {
        let request = types.iter().fold(TestRequest::post(), |request, value| {
            request.append_header((header::CONTENT_TYPE, *value))
        });
        members(&request.to_http_request(), b"{}")
            .map(drop)
            .map_err(|problem| problem.code())
    }

    /// S126: JSON and nothing else.
    #[test]
    fn types_are_checked() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json;charset=UTF-8",
        ] {
            assert_eq!(typed(&[good]), Ok(()), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonx",
            "application/problem+json",
            "json",
        ] {
            assert_eq!(typed(&[bad]), Err(Code::UnsupportedMediaType), "{bad}");
        }
        assert_eq!(typed(&[]), Err(Code::UnsupportedMediaType));
        let twice = ["application/json", "application/json"];
        assert_eq!(typed(&twice), Err(Code::UnsupportedMediaType));
    }
}
