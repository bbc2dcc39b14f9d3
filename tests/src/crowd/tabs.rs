//! Several tabs of one browser, who share a cookie jar: whatever cookie comes last stays,
//! be it older than the one that it replaces.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::client::Client;
use crate::{history, jwt};

/// How long after the first one each tab begins.
const TABS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(1),
    Duration::from_millis(6),
];

/// All tabs refresh, once each. Whether every one of them was answered.
pub(super) fn refresh(client: &mut Client, place: usize) -> bool {
    let session = &client.sessions[place];
    let recorder = &client.recorder;
    let jar = Mutex::new(session.refresh.clone());
    let nodes = [client.node(), client.next_node(), client.node()];
    let answers = thread::scope(|scope| {
        let tabs: Vec<_> = TABS
            .iter()
            .zip(&nodes)
            .map(|(&delay, node)| {
                let jar = &jar;
                scope.spawn(move || {
                    thread::sleep(delay);
                    let held = jar.lock().expect("the jar").clone();
                    let (asked, call) = session.presenting(node, &held, false);
                    let heard = recorder.send(node.number, asked, call);
                    let reply = heard.0.as_ref().filter(|reply| reply.status == 200);
                    if let Some(cookie) = reply.and_then(|reply| history::tokens(reply).1) {
                        *jar.lock().expect("the jar") = cookie;
                    }
                    (jwt::integer(&held, "gen"), heard)
                })
            })
            .collect();
        let answers = tabs.into_iter().map(|tab| tab.join().expect("a tab"));
        let mut answers: Vec<_> = answers.collect();
        // The first tab may come to run last, and then it presents what another one was given.
        answers.sort_by_key(|(presented, _)| *presented);
        answers
    });
    let mut all = true;
    for (presented, heard) in answers {
        let reply = client.hear(heard);
        all &= client.take(place, presented, reply);
    }
    client.sessions[place].refresh = jar.into_inner().expect("the jar");
    all
}
