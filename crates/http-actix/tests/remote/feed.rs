//! The feed of ended sessions: in time, or known to be late.

use std::sync::{Arc, Mutex};

use token_core::revocation::{Freshness, WhenStale};

use super::*;
use server::{Page, Script};

const FEED: &str = "/v1/revocations";
const FRESH: &str = "event: fresh\nid: c1\ndata: {\"age_ms\":0}\n\n";

struct Scene {
    server: Server,
    issuer: Issuer,
    feed: Arc<Mutex<Script>>,
    remote: Remote,
}

fn scene(max_staleness: u64, when_stale: WhenStale) -> Scene {
    let (server, issuer) = issuer();
    server.json("/keys", &key_set(&[&issuer]), 300);
    let feed = server.events(FEED);
    let remote = Remote::builder(&server.url(), &server.url())
        .plain_http()
        .feed("client-1", "se:cret")
        .feed_freshness(Freshness {
            max_staleness: Duration::from_secs(max_staleness),
            when_stale,
        })
        .start()
        .unwrap();
    Scene {
        server,
        issuer,
        feed,
        remote,
    }
}

impl Scene {
    fn say(&self, text: &str) {
        self.feed.lock().unwrap().say(text);
    }

    fn ended(&self, id: &str) -> String {
        let session = self.issuer.session.id;
        format!("event: ended\nid: {id}\ndata: {{\"sessions\":[\"{session}\"]}}\n\n")
    }

    async fn until(&self, status: u16, code: &str) {
        until(&self.remote, &self.issuer.token(), status, code).await;
    }

    /// Until the view is fresh enough, which it may not be for long.
    async fn until_fresh(&self) {
        wait_for(async || {
            self.feed.lock().unwrap().only_now(FRESH);
            let answer = ask(&self.remote, Some(&self.issuer.token())).await;
            (answer.0 == 200).then_some(()).ok_or(answer.1)
        })
        .await;
    }

    fn asked(&self) -> usize {
        self.server.asked(FEED).len()
    }
}

/// S25: a token that was good a moment ago dies with its session, elsewhere too.
#[actix_web::test]
async fn a_logout_counts_here() {
    let scene = scene(600, WhenStale::Closed);
    scene.until(503, "revocation_unknown").await;
    assert!(!scene.remote.is_ready());
    scene.say(FRESH);
    scene.until(200, "").await;
    assert!(scene.remote.is_ready());
    scene.say(&scene.ended("c2"));
    scene.until(401, "session_revoked").await;
    let asked = &scene.server.asked(FEED)[0];
    // `client-1:se%3Acret`
    assert_eq!(
        asked.headers["authorization"],
        "Basic Y2xpZW50LTE6c2UlM0FjcmV0"
    );
    assert_eq!(asked.headers["accept"], "text/event-stream");
    assert!(!asked.headers.contains_key("last-event-id"));
}

/// Whoever was ended before this service started is in the first thing that it hears.
#[actix_web::test]
async fn the_snapshot_comes_first() {
    let scene = scene(600, WhenStale::Closed);
    scene.say(&format!("{}{FRESH}", scene.ended("c0")));
    scene.until(401, "session_revoked").await;
}

/// A broken connection is made again, from where the last whole view was.
#[actix_web::test]
async fn it_comes_back_where_it_was() {
    let scene = scene(600, WhenStale::Closed);
    scene.say(FRESH);
    scene.until(200, "").await;
    // An end that no `fresh` has followed is no place to go on from.
    scene.say("event: ended\nid: c9\ndata: {\"sessions\":[]}\n\n");
    scene.feed.lock().unwrap().cut(&scene.ended("c2"));
    scene.until(401, "session_revoked").await;
    let asked = scene.server.asked(FEED);
    assert_eq!(asked[1].headers["last-event-id"], "c1");
}

/// What cannot be read may have been an end: everything is heard again from the start.
#[actix_web::test]
async fn after_nonsense_everything_is_heard_again() {
    for bad in [
        "event: ended\ndata: {\"sessions\":[\"x\"]}\n\n",
        "event: ended\ndata: {}\n\n",
        "event: ended\ndata: nonsense\n\n",
        "event: fresh\ndata: {\"age_ms\":-1}\n\n",
    ] {
        let scene = scene(600, WhenStale::Closed);
        scene.say(FRESH);
        scene.until(200, "").await;
        scene.feed.lock().unwrap().only_now(bad);
        wait_until(2, || scene.asked()).await;
        let asked = scene.server.asked(FEED);
        assert!(!asked[1].headers.contains_key("last-event-id"), "{bad}");
    }
}

/// A view that is too old is no view, whether the connection is gone or only says nothing of use.
#[actix_web::test]
async fn a_stale_view_fails_closed() {
    for after in [
        "event: stale\ndata: {}\n\n",
        "event: fresh\ndata: {\"age_ms\":5000}\n\n",
        ": still here\n\n",
    ] {
        let scene = scene(1, WhenStale::Closed);
        scene.until_fresh().await;
        scene.feed.lock().unwrap().cut(after);
        scene.until(503, "revocation_unknown").await;
        assert!(!scene.remote.is_ready());
        scene.until_fresh().await;
    }
}

/// An answer that is no feed is none, and is asked for again with pauses between.
#[actix_web::test]
async fn what_is_no_feed_is_not_read() {
    let scene = scene(1, WhenStale::Closed);
    for (status, headers) in [
        (401, "content-type: text/event-stream\r\n"),
        (200, "content-type: text/plain\r\n"),
        (302, "location: /elsewhere\r\n"),
    ] {
        let before = scene.asked();
        scene.server.put(
            FEED,
            Page::Whole(status, headers.to_owned(), FRESH.to_owned()),
        );
        scene.feed.lock().unwrap().cut("");
        wait_until(before + 1, || scene.asked()).await;
    }
    scene.until(503, "revocation_unknown").await;
    assert!(scene.server.asked("/elsewhere").is_empty());
}

/// Where that was chosen, an old view is better than none; what ended stays ended.
#[actix_web::test]
async fn a_stale_view_may_be_enough() {
    let scene = scene(0, WhenStale::Open);
    scene.say(FRESH);
    scene.until(200, "").await;
    let heard = scene.ended("c2");
    scene.feed.lock().unwrap().cut("");
    wait_until(2, || scene.asked()).await;
    assert_eq!(ask(&scene.remote, Some(&scene.issuer.token())).await.0, 200);
    scene.say(&heard);
    scene.until(401, "session_revoked").await;
}

/// Nothing goes on behind the back of a service that dropped its protector.
#[actix_web::test]
async fn it_ends_with_its_protector() {
    let scene = scene(600, WhenStale::Closed);
    scene.say(FRESH);
    scene.until(200, "").await;
    let Scene {
        server,
        feed,
        remote,
        ..
    } = scene;
    let before = server.closed();
    drop(remote);
    wait_for(|| {
        feed.lock().unwrap().only_now(": heartbeat\n\n");
        let ended = server.closed() > before;
        std::future::ready(ended.then_some(()).ok_or("open".to_owned()))
    })
    .await;
}
