//! HTTP itself gone wrong, over plain connections.

use std::io::Write;
use std::time::Duration;

use e2e::{Server, raw};

const SOON: Duration = Duration::from_millis(1500);

/// S128: where two readers could disagree about where a request ends, it is
/// refused and the connection closed; what follows is not taken for a request.
#[test]
fn ambiguous_framing_is_refused() {
    let server = Server::sqlite();
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    for (what, request) in [
        (
            "CL and TE",
            format!(
                "{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        (
            "TE and CL",
            format!(
                "{head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        (
            "two CL",
            format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}{smuggled}"),
        ),
        (
            "a CL list",
            format!("{head}Content-Length: 2, 3\r\n\r\n{{}}{smuggled}"),
        ),
        (
            "CL with a sign",
            format!("{head}Content-Length: +2\r\n\r\n{{}}{smuggled}"),
        ),
        (
            "negative CL",
            format!("{head}Content-Length: -1\r\n\r\n{smuggled}"),
        ),
        (
            "huge CL",
            format!("{head}Content-Length: 99999999999999999999\r\n\r\n{smuggled}"),
        ),
        (
            "chunked not last",
            format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "unknown TE",
            format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "bad chunk size",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{smuggled}"),
        ),
        (
            "huge chunk size",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{smuggled}"),
        ),
        (
            "space before colon",
            format!("{head}Content-Length : 2\r\n\r\n{{}}{smuggled}"),
        ),
        (
            "folded header",
            format!("{head}X: a\r\n b\r\nContent-Length: 2\r\n\r\n{{}}{smuggled}"),
        ),
        (
            "NUL in header",
            format!("{head}X: a\0b\r\nContent-Length: 2\r\n\r\n{{}}{smuggled}"),
        ),
    ] {
        let reply = raw::exchange(server.connect(), request.as_bytes(), SOON);
        assert!(
            matches!(reply.status(), 0 | 400 | 413 | 501),
            "{what}: {}",
            reply.text
        );
        assert!(
            reply.closed,
            "{what} leaves the connection open: {}",
            reply.text
        );
        assert!(reply.answers() <= 1, "{what}: {}", reply.text);
    }
    server.call("GET", "/healthz").send().expect(200);
}

/// S128: exactly one `Host`.
#[test]
fn a_request_has_one_host() {
    let server = Server::sqlite();
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n");
        let reply = raw::exchange(server.connect(), request.as_bytes(), SOON);
        assert_eq!(reply.status(), 400, "{hosts:?}: {}", reply.text);
    }
}

/// S128: what is not HTTP at all.
#[test]
fn what_is_not_http_is_closed() {
    let server = Server::sqlite();
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200_000));
    let many = format!(
        "GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(300)
    );
    for request in [
        "\r\n\r\n\r\n\r\nnonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        &long,
        &many,
    ] {
        let reply = raw::exchange(
            server.connect(),
            request.as_bytes(),
            Duration::from_secs(15),
        );
        let what: String = request.chars().take(30).collect();
        assert!(
            reply.status() == 0 || (400..500).contains(&reply.status()),
            "{what:?}: {}",
            reply.text
        );
        assert!(
            reply.closed,
            "{what:?} leaves the connection open: {}",
            reply.text
        );
    }
    server.call("GET", "/healthz").send().expect(200);
}

/// S129: who sends slowly is let go; others are served meanwhile.
#[test]
fn slow_clients_are_let_go() {
    let server = Server::sqlite();
    let mut waiting = Vec::new();
    for part in [
        "",
        "GET /healthz HT",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"user",
    ] {
        let mut stream = server.connect();
        stream.write_all(part.as_bytes()).expect("a part is sent");
        waiting.push((part, stream));
    }
    server.call("GET", "/healthz").send().expect(200);
    for (part, stream) in waiting {
        let reply = raw::read_all(stream, Duration::from_secs(40));
        assert!(reply.closed, "{part:?} may wait for ever");
        assert!(
            matches!(reply.status(), 0 | 400 | 408),
            "{part:?}: {}",
            reply.text
        );
    }
}

/// Several requests on one connection are answered in order.
#[test]
fn requests_can_be_pipelined() {
    let server = Server::sqlite();
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3)
        + "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let reply = raw::exchange(
        server.connect(),
        request.as_bytes(),
        Duration::from_secs(20),
    );
    assert_eq!(reply.answers(), 4, "{}", reply.text);
    assert!(reply.closed);
}
