//! A standby of a cluster, and its promotion.

use super::home::Home;
use super::postmaster::Postmaster;
use super::{Cluster, SUPERUSER, programs};
use crate::clock;

/// The name under which the primary knows its standby.
const NAME: &str = "standby";

impl Cluster {
    /// A hot standby of this cluster, by a base backup and streaming. A synchronous one has
    /// everything that the primary acknowledged, from the moment in which this returns.
    ///
    /// # Panics
    /// Where PostgreSQL refuses.
    pub fn standby(&self, synchronous: bool) -> Self {
        let home = Home::create(&self.programs, None);
        let mut backup = self.programs.command("pg_basebackup", home.path());
        let from = format!(
            "host=127.0.0.1 port={} user={SUPERUSER} password={} application_name={NAME}",
            self.address().port(),
            self.password,
        );
        backup
            .args(["--dbname", &from, "--checkpoint", "fast", "--no-sync"])
            .args([
                "--wal-method",
                "stream",
                "--write-recovery-conf",
                "--pgdata",
            ])
            .arg(home.data());
        programs::succeed(backup);
        let sockets = home.path().display();
        home.append(
            "data/postgresql.conf",
            &format!("unix_socket_directories = '{sockets}'\n"),
        );
        let standby = Self {
            programs: self.programs.clone(),
            postmaster: Postmaster::start(&self.programs, &home),
            home,
            password: self.password.clone(),
        };
        standby.wait_until_it_answers();
        self.wait_until_it_streams(synchronous);
        standby
    }

    fn wait_until_it_streams(&self, synchronous: bool) {
        if synchronous {
            // Two statements, since one batch would be one transaction.
            self.execute(&format!(
                "ALTER SYSTEM SET synchronous_standby_names = '{NAME}'"
            ));
            self.execute("SELECT pg_reload_conf()");
        }
        let wanted = if synchronous { "sync" } else { "async" };
        let state = format!(
            "SELECT coalesce(min(sync_state), '') AS value FROM pg_stat_replication \
             WHERE application_name = '{NAME}' AND state = 'streaming'"
        );
        clock::eventually("the standby's stream", || {
            (self.text(&state) == wanted).then_some(())
        });
    }

    /// Makes a standby the primary; returns when it can be written to.
    ///
    /// # Panics
    /// Where it does not become that.
    pub fn promote(&self) {
        let promoted = self.text("SELECT pg_promote(true, 60)::text AS value");
        assert_eq!(promoted, "true", "{}", self.log());
    }
}
