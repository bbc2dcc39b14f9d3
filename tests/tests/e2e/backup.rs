//! Backups, and what becomes of sessions when one is put back.

mod servers;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::client::{assert_alive, assert_dead};
use e2e::database::Store;
use e2e::{BodyClient, Ctl, Database, Person, Persona, Server, clock, flows, process};
use serde_json::json;

use crate::configuration::assert_one_line;

flows!(
    a_restored_backup_revives_nobody,
    sessions_are_kept_where_that_is_asked_for,
);

const NEW: &str = "orchard-Comet-7-window";

/// A database as it was, and how it comes back.
enum Backup {
    /// A file that `renewctl db backup` wrote.
    File(PathBuf),
    /// A dump, put back into the same database.
    Dump(PathBuf),
    /// Another database on the same server, which takes the name of the lost one.
    Template { admin: String, name: String },
}

impl Backup {
    /// The usual one; `None` where PostgreSQL's programs are not there.
    fn of(server: &Server) -> Option<Self> {
        let file = server.directory().join("backup");
        match server.store() {
            Store::Sqlite(_) => {
                let to = file.display().to_string();
                let made = Ctl::of(server).json(&["db", "backup", "--to", &to]);
                assert_eq!(made["file"], json!(to), "{made}");
                Some(Self::File(file))
            }
            Store::Given(url) => Self::dumped(url, file),
            Store::Postgres { .. } => Self::dumped(&server.store().url(), file),
        }
    }

    fn dumped(url: &str, file: PathBuf) -> Option<Self> {
        let mut dump = program("pg_dump")?;
        dump.args(["--format=custom", "--dbname", url, "--file"]);
        succeed(dump.arg(&file));
        Some(Self::Dump(file))
    }

    /// A copy of the whole database; the server is stopped for it.
    fn by_template(server: &mut Server) -> Self {
        server.kill();
        let Store::Postgres { admin, name } = server.store() else {
            panic!("a PostgreSQL database");
        };
        let backup = Self::Template {
            admin: admin.clone(),
            name: name.clone(),
        };
        Store::Given(admin.clone())
            .execute(&format!("CREATE DATABASE {name}_backup TEMPLATE {name}"));
        server.restart();
        backup
    }

    /// Puts it back. No server runs.
    fn restore(&self, server: &Server) {
        match self {
            Self::File(file) => {
                let database = server.directory().join("data/renewd.db");
                assert!(
                    !database.with_extension("db-wal").exists(),
                    "it was stopped"
                );
                fs::copy(file, database).expect("the backup is put back");
            }
            Self::Dump(file) => {
                let mut restore = program("pg_restore").expect("it came with pg_dump");
                restore.args(["--clean", "--if-exists", "--exit-on-error", "--dbname"]);
                succeed(restore.arg(server.store().url()).arg(file));
            }
            Self::Template { admin, name } => {
                let admin = Store::Given(admin.clone());
                admin.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
                admin.execute(&format!("ALTER DATABASE {name}_backup RENAME TO {name}"));
            }
        }
    }
}

/// One of PostgreSQL's programs.
fn program(name: &str) -> Option<Command> {
    let path = Path::new(&env::var_os("RENEWD_TEST_POSTGRES_BIN")?).join(name);
    path.exists()
        .then(|| process::command(&path, Path::new("/"), &[]))
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn stop(server: &mut Server) {
    server.terminate();
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

/// A database that was put back is not worked on before somebody has decided.
fn assert_refused(server: &Server) {
    let ctl = Ctl::of(server);
    let refused = server.setup().run([]);
    assert_one_line(&refused, "renewctl db restored");
    let end = ctl.run(&["--yes", "session", "end", "--user", "ada"]);
    assert_one_line(&end, "renewctl db restored");
    // It can be looked at.
    ctl.done(&["user", "list"]);
    ctl.done(&["session", "list"]);
    let status = ctl.json(&["db", "status"]);
    let state = status["installation"]["state"].as_str();
    assert!(matches!(state, Some("backup" | "copy")), "{status}");
    let asked = ctl.run(&["db", "restored"]);
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(asked.code, Some(2), "{asked:?}");
}

/// Everything that ends a session, after the backup was made.
struct Since {
    logged_out: BodyClient,
    with_old_password: BodyClient,
    with_new_password: BodyClient,
    refreshed: BodyClient,
    untouched: BodyClient,
    bob: Person,
}

impl Since {
    fn happens(
        server: &mut Server,
        backup: impl FnOnce(&mut Server) -> Option<Backup>,
    ) -> Option<(Self, Backup)> {
        let people = ["ada", "bob", "eve", "dan"].map(|name| Person::registered(server, name));
        let [mut ada, bob, mut eve, dan] = people.each_ref().map(|one| one.log_in(server));
        let backup = backup(server)?;
        ada.log_out().expect(204);
        let mut changed = bob.clone();
        let [_, bobby, ..] = people;
        let body = json!({ "current_password": bobby.password, "new_password": NEW });
        changed.post_json("/v1/me/password", body).expect(200);
        eve.refresh().expect(200);
        let since = Self {
            logged_out: ada,
            with_old_password: bob,
            with_new_password: changed,
            refreshed: eve,
            untouched: dan,
            bob: bobby,
        };
        Some((since, backup))
    }

    fn assert_all_dead(&self, server: &Server) {
        for client in [
            &self.logged_out,
            &self.with_old_password,
            &self.refreshed,
            &self.untouched,
        ] {
            assert_dead(client);
            let reason = server.store().session(&client.session(), "end_reason");
            assert_eq!(reason, "state_lost");
        }
        // It began after the backup.
        let unknown = &self.with_new_password;
        unknown
            .present(&unknown.refresh_token())
            .problem(401, "refresh_token_invalid");
        let anonymous = server.anonymous();
        assert!(self.bob.can_log_in(&anonymous), "as of the backup");
        assert!(!self.bob.clone().with_password(NEW).can_log_in(&anonymous));
    }
}

fn revives_nobody(server: &mut Server, backup: impl FnOnce(&mut Server) -> Option<Backup>) {
    let Some((since, backup)) = Since::happens(server, backup) else {
        println!("skipped: no pg_dump");
        return;
    };
    stop(server);
    backup.restore(server);
    assert_refused(server);
    let taken = Ctl::of(server).json(&["db", "restored"]);
    assert_eq!(taken["ended"], json!(4), "{taken}");
    server.restart();
    since.assert_all_dead(server);
    let mut again = since.bob.log_in(server);
    assert_alive(&mut again);
    let status = Ctl::of(server).json(&["db", "status"]);
    assert_eq!(status["installation"]["state"], "original", "{status}");
    // By hand, for what cannot be told from the original.
    let taken = Ctl::of(server).json(&["db", "restored"]);
    assert_eq!(taken["ended"], json!(2), "{taken}");
    clock::eventually("the end of the session", || {
        (again.get("/v1/verify").status == 401).then_some(())
    });
    assert_dead(&again);
}

/// I3 I5 S138: a file that is put back, and a dump that is restored over the original.
fn a_restored_backup_revives_nobody(database: Database) {
    let mut server = Server::on(database);
    revives_nobody(&mut server, |server| Backup::of(server));
}

/// After a move while nothing ran; whoever went on all the same is logged out when that
/// shows.
fn sessions_are_kept_where_that_is_asked_for(database: Database) {
    let mut server = Server::on(database);
    let Some((mut since, backup)) = Since::happens(&mut server, |server| Backup::of(server)) else {
        println!("skipped: no pg_dump");
        return;
    };
    stop(&mut server);
    backup.restore(&server);
    assert_refused(&server);
    let taken = Ctl::of(&server).json(&["db", "restored", "--keep-sessions"]);
    assert_eq!(taken["ended"], json!(0), "{taken}");
    server.restart();
    assert_alive(&mut since.untouched);
    let refreshed = &since.refreshed;
    assert_eq!(
        server.store().session(&refreshed.session(), "generation"),
        "0"
    );
    refreshed
        .present(&refreshed.refresh_token())
        .problem(401, "session_revoked");
    let reason = server.store().session(&refreshed.session(), "end_reason");
    assert_eq!(reason, "state_lost");
    assert_dead(refreshed);
}

/// A server that finds a backup in the place of its file does not go on with it.
#[test]
fn a_running_server_does_not_take_a_backup_for_its_database() {
    let mut server = Server::sqlite();
    let Some((since, Backup::File(backup))) =
        Since::happens(&mut server, |server| Backup::of(server))
    else {
        panic!("a backup of a file");
    };
    let database = server.directory().join("data/renewd.db");
    for companion in ["db-wal", "db-shm"] {
        fs::remove_file(database.with_extension(companion)).expect("it was there");
    }
    fs::rename(backup, &database).expect("the backup is put in its place");
    let out = &since.logged_out;
    out.present(&out.refresh_token())
        .problem(503, "unavailable");
    let taken = Ctl::of(&server).json(&["db", "restored"]);
    assert_eq!(taken["ended"], json!(4), "{taken}");
    clock::eventually(
        "the ended session, where access tokens are verified",
        || (out.get("/v1/verify").status == 401).then_some(()),
    );
    // Several connections are opened again, each when it is needed next.
    clock::eventually("the ended session, where tokens are refreshed", || {
        let reply = out.present(&out.refresh_token());
        (reply.status != 503).then_some(reply)
    })
    .problem(401, "session_revoked");
}

/// S138: one moment of a database in use, for its owner alone, and never over another file.
#[test]
fn a_backup_is_a_new_file_of_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    let Some(Backup::File(file)) = Backup::of(&server) else {
        panic!("a file");
    };
    let mode = fs::metadata(&file)
        .expect("the backup")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&file).expect("the backup");
    let ctl = Ctl::of(&server);
    let to = file.display().to_string();
    assert_one_line(&ctl.run(&["db", "backup", "--to", &to]), "exists already");
    assert_eq!(fs::read(&file).expect("the backup"), before);
    let nowhere = ctl.run(&["db", "backup", "--to", "/nowhere/at/all"]);
    assert_one_line(&nowhere, "cannot write /nowhere/at/all");
    let left = fs::read_dir(server.directory()).expect("the directory");
    let left: Vec<_> = left
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(".renewd"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
