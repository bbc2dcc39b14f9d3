//! Access tokens signed with the server's own key, each with one fault: what a leaked secret, a
//! careless second issuer or a faulty one could make.

use e2e::consumers::{Carrier, Kind, World, consumers, state};
use e2e::{Listener, Setup, jwt};
use forge::insider::{self, Insider};
use forge::outsider::{self, Outsider};
use forge::{Algorithm, Case, Key, Verdict, Why};

use crate::hs256::SECRET;

/// What an access token is told that is not good for this reason: also one from the future, after a
/// clock was set back, is to be refreshed.
fn code(why: Why) -> &'static str {
    if why.is_time() {
        "access_token_expired"
    } else {
        "access_token_invalid"
    }
}

/// Everything that the key's owner and a stranger can make of one token.
fn corpus(token: &str, listener: &Listener) -> Vec<Case> {
    let kid = jwt::header(token)["kid"].as_str().expect("kid").to_owned();
    let mut cases = insider::cases(&Insider {
        key: &Key::secret(&kid, SECRET.as_bytes()),
        claims: &jwt::claims(token),
        now: jwt::integer(token, "iat"),
        lifetime: 900,
        frozen: false,
    });
    cases.extend(outsider::cases(&Outsider {
        token,
        jwk: None,
        key: &Key::generate(Algorithm::Hs256),
        elsewhere: &listener.url(),
    }));
    cases
}

/// S1 S5 S7 S9 S10 S11 S12 S16 S17 S18 S20 S21: every case of the corpus at every place that takes
/// an access token, by header and by cookie. The answer is the same 401 for all but those
/// of which only the time is wrong; nothing is written, nobody is called.
#[test]
fn well_signed_faults_are_refused_everywhere() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let world = World::new(&server, "ada");
    let listener = Listener::new();
    let cases = corpus(&world.token(Kind::Access), &listener);
    let session = world.session(Kind::Access);
    let before = state(&server);
    let mut presented = 0;
    for consumer in consumers()
        .iter()
        .filter(|consumer| consumer.takes == Kind::Access)
    {
        for case in cases.iter().filter(|case| case.token.len() < 50_000) {
            let Verdict::Refused(why) = case.verdict else {
                continue;
            };
            // Whoever logs out may come late.
            let is_let_go = consumer.ignores_time() && why.is_time();
            if is_let_go || case.token.is_empty() || !consumer.carrier.carries(&case.token) {
                continue;
            }
            let reply = consumer.present(&server, &session, &case.token);
            let told = (reply.status, reply.code());
            let (place, name) = (consumer.name(), &case.name);
            assert_eq!(told, (401, code(why).to_owned()), "{place} with {name}");
            reply.any_problem();
            presented += 1;
        }
    }
    assert!(presented > 8_000, "{presented}");
    assert_eq!(state(&server), before);
    listener.assert_silent();
}

/// S7 S10 S21: and what is odd but good is accepted, or honest clients would be refused.
#[test]
fn odd_but_good_tokens_are_accepted() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let world = World::new(&server, "ada");
    let cases = corpus(&world.token(Kind::Access), &Listener::new());
    let good = |case: &&Case| case.verdict == Verdict::Accepted;
    assert!(cases.iter().filter(good).count() > 15);
    for consumer in consumers()
        .iter()
        .filter(|consumer| consumer.route == ("GET", "/v1/verify"))
    {
        for case in cases.iter().filter(good) {
            let reply = consumer.present(&server, "", &case.token);
            assert_eq!(reply.status, 204, "{} with {}", consumer.name(), case.name);
        }
        assert_ne!(consumer.carrier, Carrier::Body);
    }
}
