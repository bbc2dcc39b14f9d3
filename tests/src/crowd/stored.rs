//! What the database has, read at once.

use std::collections::{HashMap, HashSet};

use crate::database::Store;

/// What PostgreSQL has.
#[derive(Debug)]
pub(super) struct Stored {
    generations: HashMap<String, i64>,
    usernames: HashSet<String>,
}

impl Stored {
    pub(super) fn read(store: &Store) -> Self {
        let sessions = store.texts("id::text || '=' || generation", "FROM sessions");
        let generations = sessions.iter().filter_map(|text| {
            let (id, generation) = text.split_once('=')?;
            Some((id.to_owned(), generation.parse().ok()?))
        });
        Self {
            generations: generations.collect(),
            usernames: store.texts("username", "FROM users").into_iter().collect(),
        }
    }

    /// The generation of a session.
    pub(super) fn generation(&self, session: &str) -> Option<i64> {
        self.generations.get(session).copied()
    }

    /// Whether there is an account of this name.
    pub(super) fn has_user(&self, username: &str) -> bool {
        self.usernames.contains(username)
    }
}
