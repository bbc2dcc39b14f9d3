//! Logins and client authentication at the real server: which account there is, which is disabled
//! and which client is registered is told by neither answer nor time.

use std::time::Duration;

use e2e::{Ctl, Person, Registered, Server, Setup};
use serde_json::json;

use crate::connection::{Connection, Timed};
use crate::random;
use crate::trial::{Question, Verdict, ask};

/// What a login is made of.
#[derive(Clone, Copy)]
struct Login {
    who: Who,
    /// How long the password is, in characters; `None` for the right one.
    length: Option<usize>,
    /// By how much the answer is held back, to show that it is found.
    delay: Duration,
}

#[derive(Clone, Copy)]
enum Who {
    Known,
    Unknown,
    Disabled,
}

const fn login(who: Who, length: Option<usize>) -> Login {
    let delay = Duration::ZERO;
    Login { who, length, delay }
}

/// 60 KiB, which bodies of 64 KiB leave room for: no password is refused for its length.
const LONGEST: usize = 60 * 1_024;
const CLASSES: [Login; 10] = [
    login(Who::Known, Some(16)),
    login(Who::Unknown, Some(16)),
    login(Who::Known, Some(0)),
    login(Who::Unknown, Some(0)),
    login(Who::Known, Some(73)),
    login(Who::Unknown, Some(73)),
    login(Who::Known, Some(LONGEST)),
    login(Who::Unknown, Some(LONGEST)),
    login(Who::Disabled, Some(16)),
    login(Who::Disabled, None),
];

const fn question(first: usize, second: usize, name: &'static str) -> Question {
    Question {
        classes: [first, second],
        name,
        seeded: false,
        allowed: 0.0,
    }
}

const QUESTIONS: [Question; 6] = [
    question(0, 1, "login: wrong password, unknown user"),
    question(2, 3, "login, empty password: known user, unknown user"),
    question(
        4,
        5,
        "login, password of 73 bytes: known user, unknown user",
    ),
    question(6, 7, "login, password of 60 KiB: known user, unknown user"),
    question(0, 8, "login, wrong password: active user, disabled user"),
    question(
        0,
        9,
        "login: wrong password, right password of a disabled user",
    ),
];

/// How many times as often clients are tried: they cost a hundredth of a login.
const CLIENTS: usize = 10;
/// Rounds of all classes before the first that counts.
const WARM_UP: usize = 3;
/// The least delay that is seeded.
const LEAST_DELAY: Duration = Duration::from_millis(1);

/// How often a seeded delay is looked for on a machine whose noise grows.
const ATTEMPTS: u32 = 3;
/// A registered client's row is read and decoded, an unknown one's is not. Which ids there are is no
/// secret (RFC 6749 §2.2), so microseconds may tell it; work that grows with a secret would not be
/// so little.
const CLIENT_MILLISECONDS: f64 = 0.05;

/// Names as long as those of random users.
const KNOWN: &str = "known-user-ada-000";
const DISABLED: &str = "disabled-user-bob0";

/// Measures all of it with so many samples for each class.
pub fn run(samples: usize) -> Vec<Verdict> {
    // Attempts are not counted here, so that what counts them is not what is measured.
    let server = Setup::sqlite().start();
    Person::registered(&server, KNOWN);
    Person::registered(&server, DISABLED);
    Ctl::of(&server).done(&["user", "disable", DISABLED]);
    let mut connection = Connection::open(server.address());
    for _ in 0..WARM_UP {
        for class in &CLASSES {
            log_in(&mut connection, *class);
        }
    }
    let mut verdicts = ask(&QUESTIONS, samples, "ms", |class| {
        log_in(&mut connection, CLASSES[class])
    });
    let seeded = seeded(&mut connection, &verdicts, samples);
    verdicts.extend(seeded);
    verdicts.extend(clients(&server, samples * CLIENTS));
    verdicts
}

/// One login, refused, and its time. All refusals say the same.
fn log_in(connection: &mut Connection, login: Login) -> f64 {
    let name = match login.who {
        Who::Known => KNOWN.to_owned(),
        Who::Disabled => DISABLED.to_owned(),
        Who::Unknown => random::text(KNOWN.len()),
    };
    let right = || Person::named(DISABLED).password;
    let password = login.length.map_or_else(right, random::text);
    let body = json!({ "username": name, "password": password }).to_string();
    let answer = connection.send(
        e2e::raw::post("/v1/login", "", &body).as_bytes(),
        login.delay,
    );
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(
        answer.body.contains("invalid_credentials"),
        "{}",
        answer.body
    );
    answer.milliseconds
}

/// The same login twice, one answer held back: by a millisecond, or by twice what the noise of this
/// machine lets these samples show. Where the noise has grown meanwhile, once more by as much more.
fn seeded(connection: &mut Connection, verdicts: &[Verdict], samples: usize) -> Vec<Verdict> {
    let mut detectable = verdicts.first().map_or(0.0, Verdict::detectable);
    let mut last = Vec::new();
    for _ in 0..ATTEMPTS {
        let delay = Duration::from_secs_f64(2.0 * detectable / 1_000.0).max(LEAST_DELAY);
        let plain = login(Who::Known, Some(16));
        let classes = [plain, Login { delay, ..plain }];
        let milliseconds = delay.as_secs_f64() * 1_000.0;
        let name = format!("seeded: the same login, and {milliseconds:.1} ms later");
        let question = Question {
            seeded: true,
            ..question(0, 1, name.leak())
        };
        last = ask(&[question], samples, "ms", |class| {
            log_in(connection, classes[class])
        });
        if last.iter().all(Verdict::is_as_expected) {
            break;
        }
        detectable = last.first().map_or(0.0, Verdict::detectable);
    }
    last
}

/// Client authentication: a registered client with a wrong secret, and one that is not registered.
fn clients(server: &Server, samples: usize) -> Vec<Verdict> {
    let client = Registered::new(server, &["read"]);
    let mut connection = Connection::open(server.address());
    let question = Question {
        allowed: CLIENT_MILLISECONDS,
        ..question(0, 1, "client: wrong secret, unknown client")
    };
    ask(&[question], samples, "ms", |class| {
        let id = match class {
            0 => client.id.clone(),
            _ => format!("client-{:032x}", u128::from_ne_bytes(random::bytes())),
        };
        let answer = authenticate(&mut connection, &id, &random::text(client.secret.len()));
        assert!(
            answer.status == 401 && answer.body.contains("invalid_client"),
            "{}",
            answer.body
        );
        answer.milliseconds
    })
}

fn authenticate(connection: &mut Connection, id: &str, secret: &str) -> Timed {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    connection.send(request.as_bytes(), Duration::ZERO)
}
