//! The client over a scripted port, with the clock in hand.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::json;

use super::*;
use crate::key::{AccessAlgorithm, AccessKey};
use crate::time::testing::ManualClock;

/// Answers what the test has put in, and waits while there is nothing.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<FetchedJwks, FetchError>>>,
    waiting: Mutex<Option<Waker>>,
    asked: Mutex<u32>,
}

impl Script {
    fn answer(&self, document: &str, max_age: Option<u64>) {
        self.push(Ok(FetchedJwks {
            document: document.to_owned(),
            max_age: max_age.map(Duration::from_secs),
        }));
    }

    fn fail(&self) {
        self.push(Err(FetchError::new("no route")));
    }

    fn push(&self, answer: Result<FetchedJwks, FetchError>) {
        self.answers.lock().unwrap().push_back(answer);
        if let Some(waker) = self.waiting.lock().unwrap().take() {
            waker.wake();
        }
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

impl JwksFetch for Script {
    fn fetch(&self) -> BoxFuture<'_, Result<FetchedJwks, FetchError>> {
        *self.asked.lock().unwrap() += 1;
        poll_fn(|context| {
            let answer = self.answers.lock().unwrap().pop_front();
            if answer.is_none() {
                *self.waiting.lock().unwrap() = Some(context.waker().clone());
            }
            answer.map_or(Poll::Pending, Poll::Ready)
        })
        .boxed()
    }
}

struct Scene {
    script: Arc<Script>,
    clock: Arc<ManualClock>,
    client: JwksClient,
}

const POLICY: JwksPolicy = JwksPolicy {
    max_stale: Duration::from_secs(1_000),
    cool_down: Duration::from_secs(10),
};

fn scene() -> Scene {
    let script = Arc::new(Script::default());
    let clock = Arc::new(ManualClock::default());
    let client = JwksClient::new(script.clone(), clock.clone(), POLICY);
    Scene {
        script,
        clock,
        client,
    }
}

impl Scene {
    /// With one key in use, fetched at this moment.
    fn with(document: &str, max_age: Option<u64>) -> Self {
        let scene = scene();
        scene.script.answer(document, max_age);
        now(scene.client.refresh()).unwrap();
        scene
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(secs(seconds));
    }

    fn due(&self) -> u64 {
        self.client.refresh_due_in().as_secs()
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What a future gives that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

fn set() -> (AccessKey, String) {
    let pkcs8 = AccessAlgorithm::Es256.generate();
    let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &pkcs8).unwrap();
    let document = json!({ "keys": [key.public().unwrap()] }).to_string();
    (key, document)
}

fn knows(keys: &VerificationKeys, key: &AccessKey) -> bool {
    keys.find(Some(key.kid().as_str()), "ES256").is_some()
}

/// S32 S33: a new key is taken up and a retired one is gone, with the first good answer.
#[test]
fn rotation_is_followed() {
    let ((old, first), (new, second)) = (set(), set());
    let scene = Scene::with(&first, Some(300));
    assert!(knows(&scene.client.keys().unwrap(), &old));
    assert_eq!(scene.due(), 225, "before the set's own time has passed");
    scene.pass(225);
    assert_eq!(scene.due(), 0);
    scene.script.answer(&second, Some(300));
    now(scene.client.refresh()).unwrap();
    let keys = scene.client.keys().unwrap();
    assert!(knows(&keys, &new) && !knows(&keys, &old));
    assert_eq!(scene.due(), 225);
}

#[test]
fn the_publishers_time_has_bounds() {
    let (_, document) = set();
    for (max_age, due) in [
        (None, 225),
        (Some(0), 0),
        (Some(4), 3),
        (Some(60), 45),
        (Some(1_000_000_000), 750),
    ] {
        assert_eq!(Scene::with(&document, max_age).due(), due, "{max_age:?}");
    }
    let lasting = JwksPolicy {
        max_stale: secs(1_000_000),
        ..POLICY
    };
    let scene = scene();
    let client = JwksClient::new(scene.script.clone(), scene.clock.clone(), lasting);
    scene.script.answer(&document, Some(1_000_000_000));
    now(client.refresh()).unwrap();
    assert_eq!(client.refresh_due_in(), secs(2_700));
    let eager = Scene::with(&document, Some(0));
    assert_eq!(eager.client.refresh_due_in(), Duration::from_millis(750));
}

/// S37: an answer that is no usable set changes nothing, except when to ask again.
#[test]
fn a_bad_answer_never_replaces_a_good_set() {
    let (key, document) = set();
    let scene = Scene::with(&document, Some(300));
    scene.pass(225);
    for (bad, due) in [
        (r#"{"keys":[]}"#, 10),
        ("", 20),
        ("<html>", 40),
        (r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}"#, 60),
        (&"x".repeat(100_000), 60),
    ] {
        scene.script.answer(bad, Some(300));
        let answer = now(scene.client.refresh());
        assert!(matches!(answer, Err(RefreshError::Set(_))), "{answer:?}");
        assert_eq!(scene.due(), due);
        scene.pass(due);
    }
    scene.script.fail();
    assert!(matches!(
        now(scene.client.refresh()),
        Err(RefreshError::Fetch(_))
    ));
    assert!(knows(&scene.client.keys().unwrap(), &key));
    scene.script.answer(&document, Some(300));
    now(scene.client.refresh()).unwrap();
    assert_eq!(scene.due(), 225, "all is forgiven");
}

/// S37: keys that were not confirmed for too long are not used, until they are.
#[test]
fn it_fails_closed_after_max_stale() {
    let (_, document) = set();
    let scene = Scene::with(&document, Some(300));
    scene.pass(1_000);
    assert!(scene.client.keys().is_ok());
    scene.pass(1);
    assert_eq!(scene.client.keys().err(), Some(NoKeys));
    scene.script.fail();
    assert_eq!(now(scene.client.look_again(None)).err(), Some(NoKeys));
    assert_eq!(scene.client.keys().err(), Some(NoKeys));
    scene.pass(10);
    scene.script.answer(&document, None);
    assert!(now(scene.client.look_again(None)).unwrap().is_some());
    assert!(scene.client.keys().is_ok());
}

/// How old a set is counts from when it was asked for, not from when a slow answer came.
#[test]
fn a_slow_answer_is_as_old_as_its_question() {
    let (_, document) = set();
    let scene = scene();
    let mut refresh = pin!(scene.client.refresh());
    assert!(poll(refresh.as_mut()).is_pending());
    scene.pass(900);
    scene.script.answer(&document, Some(300));
    assert!(poll(refresh.as_mut()).is_ready());
    scene.pass(101);
    assert_eq!(scene.client.keys().err(), Some(NoKeys));
}

/// S37: whatever names strangers make up cause one fetch in a cool-down.
#[test]
fn unknown_names_cause_one_fetch_in_a_cool_down() {
    let (_, document) = set();
    let scene = Scene::with(&document, Some(300));
    let used = scene.client.keys().unwrap();
    for _ in 0..100 {
        assert_eq!(
            now(scene.client.look_again(Some(&used))).map(|k| k.is_some()),
            Ok(false)
        );
    }
    assert_eq!(scene.script.asked(), 1);
    scene.pass(10);
    scene.script.answer(&document, Some(300));
    let fresh = now(scene.client.look_again(Some(&used))).unwrap().unwrap();
    for _ in 0..100 {
        assert!(
            now(scene.client.look_again(Some(&fresh)))
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(scene.script.asked(), 2);
}

/// While the issuer cannot be asked, nothing is said of a key; and it is not asked more often.
#[test]
fn an_unreachable_issuer_says_nothing() {
    let (_, document) = set();
    let scene = Scene::with(&document, Some(300));
    let used = scene.client.keys().unwrap();
    scene.pass(10);
    scene.script.fail();
    for _ in 0..100 {
        assert_eq!(
            now(scene.client.look_again(Some(&used))).err(),
            Some(NoKeys)
        );
    }
    assert_eq!(scene.script.asked(), 2);
    assert!(scene.client.keys().is_ok(), "known keys still verify");
}

/// A caller whose keys are older than those in use gets these, without a fetch.
#[test]
fn whoever_comes_late_gets_what_is_there() {
    let ((_, first), (new, second)) = (set(), set());
    let scene = Scene::with(&first, Some(300));
    let old = scene.client.keys().unwrap();
    scene.script.answer(&second, Some(300));
    now(scene.client.refresh()).unwrap();
    let keys = now(scene.client.look_again(Some(&old))).unwrap().unwrap();
    assert!(knows(&keys, &new));
    assert_eq!(scene.script.asked(), 2);
}

/// Sets that change every second can be followed every second.
#[test]
fn the_cool_down_is_no_longer_than_a_set_lives() {
    let (_, document) = set();
    let scene = Scene::with(&document, Some(2));
    let used = scene.client.keys().unwrap();
    scene.pass(1);
    assert!(now(scene.client.look_again(Some(&used))).unwrap().is_none());
    scene.pass(1);
    scene.script.answer(&document, Some(2));
    assert!(now(scene.client.look_again(Some(&used))).unwrap().is_some());
}

/// S37: one fetch at a time, which everybody awaits; whoever goes away leaves it to the others.
#[test]
fn there_is_one_flight() {
    let (_, document) = set();
    let scene = scene();
    let mut first = Box::pin(scene.client.refresh());
    let mut second = pin!(scene.client.refresh());
    let mut third = pin!(scene.client.look_again(None));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending());
    assert_eq!(scene.script.asked(), 1);
    drop(first);
    scene.script.answer(&document, None);
    assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(()))));
    assert!(matches!(poll(third.as_mut()), Poll::Ready(Ok(Some(_)))));
    assert_eq!(scene.script.asked(), 1);
}

/// A fetch that everybody has left is taken up by the next caller.
#[test]
fn an_abandoned_flight_is_taken_up() {
    let (_, document) = set();
    let scene = scene();
    assert!(scene.client.refresh().now_or_never().is_none());
    scene.script.answer(&document, None);
    assert!(now(scene.client.refresh()).is_ok());
    assert_eq!(scene.script.asked(), 1);
    assert!(scene.client.keys().is_ok());
}

/// A client that is dropped in the middle of a fetch leaves nothing behind.
#[test]
fn a_flight_does_not_keep_its_client() {
    let scene = scene();
    assert!(scene.client.refresh().now_or_never().is_none());
    let inner = Arc::downgrade(&scene.client.0);
    drop(scene);
    assert!(inner.upgrade().is_none());
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
