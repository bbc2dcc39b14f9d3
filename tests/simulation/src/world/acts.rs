//! What clients, the thief, admins and the nodes' own jobs set out to do.

use token_core::service::{AccessRefused, RefreshError};
use token_core::session::Transport;
use token_core::store::KeyPurpose;
use token_core::time::Clock;

use super::{Loot, Origin, Waiting, World};
use crate::control::Speaker;
use crate::hashing::password_of;
use crate::oracle::{Checked, Violation, hold};
use crate::request::{Answer, Request, at_once};
use crate::template::NAMES;

#[derive(Debug, Clone, Copy)]
enum Act {
    Device,
    Thief,
    Poll,
    Keys,
    RotateKey,
    Sweep,
    Disable,
    Enable,
    Forge,
}

impl World {
    pub(super) fn act(&mut self) -> Checked {
        let some = |weight: usize, possible: bool| if possible { weight } else { 0 };
        let theft = self.settings.theft;
        let acts = [
            (60, Act::Device),
            (some(14, theft), Act::Thief),
            (14, Act::Poll),
            (3, Act::Keys),
            (2, Act::RotateKey),
            (2, Act::Sweep),
            (1, Act::Disable),
            (2, Act::Enable),
            (4, Act::Forge),
        ];
        let node = self.random.pick(&self.up());
        match self.random.weighted(&acts) {
            Act::Device => return self.device_acts(node),
            Act::Thief => return self.thief_acts(node),
            Act::Poll => self.house(node, Request::Poll),
            Act::Keys => self.house(node, Request::LookAfterKeys),
            Act::RotateKey => {
                let purpose = self.random.pick(&[KeyPurpose::Refresh, KeyPurpose::Access]);
                self.house(node, Request::RotateKey(purpose));
            }
            Act::Sweep => self.house(node, Request::Sweep),
            Act::Disable | Act::Enable => return self.admin_acts(node),
            Act::Forge => return self.forge(node),
        }
        Ok(())
    }

    fn house(&mut self, node: usize, request: Request) {
        self.send(node, Origin::House, request, Speaker::default());
    }

    /// Disables somebody, or enables whoever is disabled.
    fn admin_acts(&mut self, node: usize) -> Checked {
        let rows = self.oracle.rows.users.values().cloned().collect::<Vec<_>>();
        if rows.is_empty() {
            return Ok(());
        }
        let user = rows[self.random.below(rows.len())].clone();
        let id = parsed(&user.id);
        let request = if user.disabled_at.is_some() {
            Request::Enable(id)
        } else if self.random.chance(40) {
            Request::Disable(id)
        } else {
            return Ok(());
        };
        self.house(node, request);
        Ok(())
    }

    /// What somebody would type as the password of that user: nearly always the right one.
    fn speaker(&mut self, user: usize) -> Speaker {
        let row = self
            .oracle
            .rows
            .users
            .values()
            .find(|u| u.username == NAMES[user]);
        let password = row
            .and_then(|user| password_of(&user.password_hash))
            .unwrap_or(0);
        let wrong = self.random.chance(6);
        self.next_password += 1;
        Speaker {
            password: if wrong { 99 } else { password },
            new_password: self.next_password,
        }
    }

    fn device_acts(&mut self, node: usize) -> Checked {
        let n = self.random.below(self.devices.len());
        if self.devices[n].logging_in.is_some() {
            return Ok(());
        }
        let Some(jar) = self.devices[n].jar.clone() else {
            self.log_in(n, node);
            return Ok(());
        };
        match self.random.below(100) {
            0..45 => self.refresh(n, node),
            45..78 => return self.use_access(n, node),
            78..84 => {
                let transport = self.devices[n].transport;
                let refresh = jar.refresh;
                self.send_from(n, node, Request::Logout { refresh, transport });
            }
            84..86 => self.send_from(n, node, Request::LogoutAll { access: jar.access }),
            86..89 => self.send_from(n, node, Request::LogoutOthers { access: jar.access }),
            89..93 => {
                let agent = self.devices[n].agent.clone();
                let access = jar.access;
                let speaker = self.speaker(self.devices[n].user);
                self.oracle
                    .password_is(&self.oracle.user_of(&jar.session), None);
                let request = Request::ChangePassword { access, agent };
                let task = self.send(node, Origin::Device(n), request, speaker);
                // Its answer brings another session, as that of a login does.
                self.devices[n].logging_in = Some(task);
            }
            93..94 => {
                let speaker = self.speaker(self.devices[n].user);
                let request = Request::DeleteAccount { access: jar.access };
                self.send(node, Origin::Device(n), request, speaker);
            }
            94..96 => self.log_in(n, node),
            _ => {
                if self.settings.theft {
                    self.steal(n);
                }
            }
        }
        Ok(())
    }

    fn send_from(&mut self, n: usize, node: usize, request: Request) {
        self.send(node, Origin::Device(n), request, Speaker::default());
    }

    fn log_in(&mut self, n: usize, node: usize) {
        let speaker = self.speaker(self.devices[n].user);
        let device = &self.devices[n];
        let request = Request::Login {
            name: NAMES[device.user],
            transport: device.transport,
            agent: device.agent.clone(),
            replaces: match device.transport {
                Transport::Cookie => device.jar.iter().map(|jar| jar.id).collect(),
                Transport::Body => Vec::new(),
            },
        };
        let task = self.send(node, Origin::Device(n), request, speaker);
        self.devices[n].logging_in = Some(task);
    }

    /// A tab asks for new tokens, unless all of them do already.
    pub(super) fn refresh(&mut self, n: usize, node: usize) {
        let device = &self.devices[n];
        let Some(jar) = device.jar.clone() else {
            return;
        };
        let at_most = match device.transport {
            Transport::Cookie => device.tabs,
            Transport::Body => 1,
        };
        if device.waiting.len() >= at_most {
            // In rough weather clients ask again whenever they like.
            if !self.settings.calm && !self.settling {
                self.devices[n].waiting.remove(0);
            } else {
                return;
            }
        }
        if self.devices[n]
            .waiting
            .iter()
            .any(|w| w.token == jar.refresh)
        {
            self.tally.count("refresh: two of one token at once");
        }
        self.ask_for_tokens(n, node);
    }

    fn ask_for_tokens(&mut self, n: usize, node: usize) {
        let device = &self.devices[n];
        let Some(jar) = device.jar.clone() else {
            return;
        };
        let request = Request::Refresh {
            token: jar.refresh.clone(),
            transport: device.transport,
            agent: device.agent.clone(),
        };
        let task = self.send(node, Origin::Device(n), request, Speaker::default());
        let deadline = self.monotonic() + self.settings.leg() * 2;
        self.devices[n].waiting.push(Waiting {
            task,
            token: jar.refresh,
            deadline,
        });
    }

    /// In calm weather clients ask again as soon as they have waited long enough. Says whether one
    /// did.
    pub(super) fn retry_what_is_due(&mut self) -> bool {
        let (monotonic, up) = (self.monotonic(), self.up());
        if up.is_empty() {
            return false;
        }
        let due = self.devices.iter().enumerate().find_map(|(n, device)| {
            let late = |w: &Waiting| w.deadline <= monotonic;
            device.waiting.iter().position(late).map(|w| (n, w))
        });
        let Some((n, position)) = due else {
            return false;
        };
        let waited = self.devices[n].waiting.remove(position);
        // Another tab may have brought a newer one meanwhile.
        let jar = self.devices[n].jar.as_ref();
        if jar.is_some_and(|jar| jar.refresh == waited.token) {
            let node = self.random.pick(&up);
            self.ask_for_tokens(n, node);
        }
        true
    }

    fn use_access(&mut self, n: usize, node: usize) -> Checked {
        let Some(jar) = self.devices[n].jar.clone() else {
            return Ok(());
        };
        let Some(running) = &self.nodes[node] else {
            return Ok(());
        };
        let verdict = running.service.authenticate(&jar.access);
        let name = self.oracle.name(&jar.session);
        let row = self.oracle.rows.sessions.get(&jar.session);
        self.tally.count(match &verdict {
            Ok(_) => "access: accepted",
            Err(AccessRefused::Expired) => "access: expired",
            Err(AccessRefused::SessionEnded) => {
                hold!(
                    "I2",
                    row.is_none_or(|row| row.ended_at.is_some()),
                    "{name} lives, and its access token is refused"
                );
                "access: session ended"
            }
            Err(AccessRefused::Unknown) => "access: stale feed",
            Err(AccessRefused::Invalid(error)) => {
                return Err(Violation {
                    rule: "I2",
                    what: format!("{name}: a genuine access token is invalid: {error}"),
                });
            }
        });
        let verdict = verdict.map_or_else(|e| e.to_string(), |_| "accepted".to_owned());
        self.tell(format!("{name} at node {node}: {verdict}"));
        Ok(())
    }

    fn steal(&mut self, n: usize) {
        let device = &self.devices[n];
        let Some(jar) = &device.jar else { return };
        self.loot.push(Loot {
            session: jar.session.clone(),
            transport: device.transport,
            refresh: jar.refresh.clone(),
            access: jar.access.clone(),
        });
        if let Some(record) = self.oracle.sessions.get_mut(&jar.session) {
            record.stolen = true;
        }
        self.tally.count("theft: tokens copied");
        let name = self.oracle.name(&self.loot[self.loot.len() - 1].session);
        self.tell(format!("the tokens of {name} are copied"));
    }

    fn thief_acts(&mut self, node: usize) -> Checked {
        if self.loot.is_empty() {
            return Ok(());
        }
        let n = self.random.below(self.loot.len());
        let loot = &self.loot[n];
        if self.random.chance(20)
            && let Some(running) = &self.nodes[node]
        {
            // What it comes to is for the probes to judge.
            drop(running.service.authenticate(&loot.access));
            return Ok(());
        }
        let request = Request::Refresh {
            token: loot.refresh.clone(),
            transport: loot.transport,
            agent: "thief".to_owned(),
        };
        self.send(node, Origin::Thief(n), request, Speaker::default());
        Ok(())
    }

    /// I8: a token with a bad signature, of whatever session, costs no query and says nothing.
    fn forge(&mut self, node: usize) -> Checked {
        // Of keys that every node has: for another, it reads the keys again.
        let genuine = self.oracle.unexpired(self.around.clock.now());
        if genuine.is_empty() {
            return Ok(());
        }
        let token = forged(
            &genuine[self.random.below(genuine.len())],
            self.random.chance(50),
        );
        let transport = self.random.pick(&[Transport::Body, Transport::Cookie]);
        let Some(running) = &self.nodes[node] else {
            return Ok(());
        };
        let calls = self.around.control.calls();
        let request = Request::Refresh {
            token,
            transport,
            agent: "forger".to_owned(),
        };
        let answer = at_once(&self.around, running, request);
        let asked = self.around.control.calls() - calls;
        hold!(
            "I8",
            asked == 0,
            "a bad signature caused {asked} calls of storage"
        );
        let Answer::Refresh(Err(RefreshError::Invalid)) = answer else {
            hold!(
                "I8",
                false,
                "a bad signature was answered with something else"
            );
            return Ok(());
        };
        self.tally.count("forged: refused without a query");
        self.tell("a forged token is refused");
        Ok(())
    }

    /// At the end: a client that was promised its session has it.
    pub(super) fn come_through(&mut self, n: usize) -> Checked {
        let Some(jar) = self.devices[n].jar.clone() else {
            return Ok(());
        };
        self.devices[n].waiting.clear();
        let node = self.random.pick(&self.up());
        self.ask_for_tokens(n, node);
        let number = self.devices[n].waiting[0].task;
        self.finish_now(number)?;
        while !self.mail.is_empty() {
            self.deliver(0, false)?;
        }
        let row = self.oracle.rows.sessions.get(&jar.session);
        let Some(row) = row.filter(|row| row.ended_at.is_none()) else {
            return Ok(());
        };
        let now = self.around.clock.now().as_micros();
        if row.expires_at <= now || row.max_expires_at <= now {
            return Ok(());
        }
        let Some(jar) = self.devices[n].jar.clone() else {
            let honest = self
                .oracle
                .sessions
                .get(&jar.session)
                .is_some_and(|r| r.shaken.is_none());
            hold!(
                "I2",
                !honest,
                "{} lives, and its client lost it",
                self.oracle.name(&jar.session)
            );
            return Ok(());
        };
        let task = self.send(node, Origin::House, Request::Poll, Speaker::default());
        self.finish_now(task)?;
        let Some(running) = &self.nodes[node] else {
            return Ok(());
        };
        let verdict = running.service.authenticate(&jar.access);
        hold!(
            "I2",
            verdict.is_ok(),
            "{} lives, and its new access token is refused: {:?}",
            self.oracle.name(&jar.session),
            verdict.err()
        );
        self.tally.count("end: an honest client came through");
        Ok(())
    }
}

/// The same token with one character of its signature, or of its claims, changed.
fn forged(token: &str, signature: bool) -> String {
    let dots: Vec<usize> = token.match_indices('.').map(|(at, _)| at).collect();
    let at = if signature { dots[1] + 5 } else { dots[0] + 30 };
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap_or_default()
}

fn parsed(hex: &str) -> token_core::id::UserId {
    let [a, b, c, d, e] = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    format!("{a}-{b}-{c}-{d}-{e}").parse().expect("an id")
}
