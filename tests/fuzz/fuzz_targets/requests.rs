//! Requests with JSON bodies, through the whole application.
//!
//! No request is a fault of the server's own, every refusal is a problem document that agrees with
//! its status, a body that is too long is never read as one, and no secret comes back.

#![no_main]

use actix_web::http::StatusCode;
use fuzz::application::Application;
use fuzz::request::Request;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static APPLICATION: Application = Application::start();
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = Request::parse(data) else {
        return;
    };
    if request.target.starts_with("/oauth2") {
        return;
    }
    let answer = APPLICATION.with(|application| application.send(request.to_test()));
    let is_busy = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    assert!(
        !answer.status.is_server_error() || is_busy,
        "{}",
        answer.status
    );
    if answer.status.is_client_error() || is_busy {
        if request.method == "HEAD" {
            return;
        }
        answer.assert_problem();
    }
    if request.body.len() > 64 * 1024 {
        assert!(!is_busy, "a long body got as far as hashing");
    }
    if request.is_marked() {
        answer.assert_discreet();
    }
});
