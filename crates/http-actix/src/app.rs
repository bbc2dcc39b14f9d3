//! The application: what happens around every request, and where everything is.

#[cfg(test)]
mod tests;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{Any, Get, Head};
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, PathConfig, ServiceConfig};
use actix_web::{
    App, Error, FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, Route,
};

use crate::metrics::http::HttpMetrics;
use crate::middleware::{cors, csrf, headers, measure, panics, strays, trace};
use crate::problem::{Code, Problem};
use crate::routes::oauth2::{self, metadata};
use crate::routes::{account, health, keys, me, my_sessions, revocations, session, token};
use crate::state::AppState;

/// The whole application. The last `wrap` is the outermost: [`crate::middleware`] has the order
/// and its reasons.
pub fn app(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(HttpMetrics::new(state.metrics.registry()))
        .app_data(web::Data::new(state))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::of(Code::NotFound).into()))
        .configure(table)
        .default_service(web::to(not_found))
        .wrap(from_fn(strays::expire))
        .wrap(from_fn(csrf::guard))
        .wrap(from_fn(cors::share))
        .wrap(from_fn(headers::lock_down))
        .wrap(from_fn(trace::trace))
        .wrap(from_fn(measure::measure))
}

/// Where everything is. Paths are tried from the top, so what is asked for most comes first, and
/// after that what belongs together.
#[rustfmt::skip]
fn table(config: &mut ServiceConfig) {
    config
        .service(at("/v1/verify",             [get(token::verify::handle)]))
        .service(at("/v1/refresh",            [post(session::refresh::handle)]))
        .service(at("/healthz",               [get(health::live::handle)]))
        .service(at("/v1/register",           [post(account::register::handle)]))
        .service(at("/v1/login",              [post(session::login::handle)]))
        .service(at("/v1/logout",             [post(session::logout::handle)]))
        .service(at("/v1/logout/all",         [post(session::logout_all::handle)]))
        .service(at("/v1/logout/others",      [post(session::logout_others::handle)]))
        .service(at("/v1/me",                 [get(me::show::handle),
                                               patch(me::change::handle),
                                               delete(me::delete::handle)]))
        .service(at("/v1/me/password",        [post(me::change_password::handle)]))
        .service(at("/v1/me/sessions",        [get(my_sessions::list::handle)]))
        .service(at("/v1/me/sessions/{id}",   [delete(my_sessions::end::handle)]))
        .service(at("/v1/revocations",        [get(revocations::follow::handle)]))
        .service(at("/.well-known/jwks.json", [get(keys::list::handle)]))
        .service(at(metadata::PATH,           [get(metadata::handle)]))
        .service(at(&inserted(metadata::PATH), [get(metadata::handle)]))
        .service(at("/oauth2/token",          [post(oauth2::token::handle)]))
        .service(at("/oauth2/revoke",         [post(oauth2::revoke::handle)]))
        .service(at("/oauth2/introspect",     [post(oauth2::introspect::handle)]))
        .service(at("/oauth2/status/{list}",  [get(oauth2::status::handle)]))
        .service(at("/readyz",                [get(health::ready::handle)]))
        .service(at("/metrics",               [get(health::metrics::handle)]));
}

/// A well-known path with the path of an issuer after it (RFC 8414 §3.1).
fn inserted(path: &str) -> String {
    format!("{path}/{{issuer_path:.*}}")
}

/// A handler and the methods that reach it.
type Verb = (&'static str, Route);

/// A path with its verbs. A panic inside is a 500, another method a 405 that says which there are.
fn at<const N: usize>(
    path: &str,
    verbs: [Verb; N],
) -> Resource<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + 'static>,
        Error = Error,
        InitError = (),
    > + 'static,
> {
    let allowed = verbs.each_ref().map(|(methods, _)| *methods).join(", ");
    let other = move || std::future::ready(method_not_allowed(&allowed));
    // Metrics know a resource by its name.
    let resource = web::resource(path).name(path);
    let resource = resource.default_service(web::to(other));
    let resource = verbs
        .into_iter()
        .fold(resource, |resource, (_, route)| resource.route(route));
    resource.wrap(from_fn(panics::catch))
}

/// Whoever may GET may HEAD (RFC 9110 §9.1); the body stays away by itself.
fn get<A: FromRequest + 'static, H: Handler<A>>(handler: H) -> Verb
where
    H::Output: Responder + 'static,
{
    let guard = Any(Get()).or(Head());
    ("GET, HEAD", web::route().guard(guard).to(handler))
}

fn post<A: FromRequest + 'static, H: Handler<A>>(handler: H) -> Verb
where
    H::Output: Responder + 'static,
{
    ("POST", web::post().to(handler))
}

fn patch<A: FromRequest + 'static, H: Handler<A>>(handler: H) -> Verb
where
    H::Output: Responder + 'static,
{
    ("PATCH", web::patch().to(handler))
}

fn delete<A: FromRequest + 'static, H: Handler<A>>(handler: H) -> Verb
where
    H::Output: Responder + 'static,
{
    ("DELETE", web::delete().to(handler))
}

fn method_not_allowed(allowed: &str) -> HttpResponse {
    let mut answer = Problem::of(Code::MethodNotAllowed).error_response();
    if let Ok(methods) = allowed.parse() {
        answer.headers_mut().insert(header::ALLOW, methods);
    }
    answer
}

async fn not_found() -> HttpResponse {
    Problem::of(Code::NotFound).error_response()
}
