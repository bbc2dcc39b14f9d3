//! Backups on PostgreSQL alone.

use e2e::{Ctl, Database, Server, flows};

use super::{Backup, revives_nobody};
use crate::configuration::assert_one_line;

flows!(postgres:
    a_copy_by_template_revives_nobody,
    postgres_is_left_to_its_own_tools,
);

/// I3 I5 S138.
fn a_copy_by_template_revives_nobody(database: Database) {
    let mut server = Server::on(database);
    revives_nobody(&mut server, |server| Some(Backup::by_template(server)));
}

/// One line that names them.
fn postgres_is_left_to_its_own_tools(database: Database) {
    let server = Server::on(database);
    let refused = Ctl::of(&server).run(&["db", "backup", "--to", "backup"]);
    assert_one_line(&refused, "pg_dump --format=custom");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(!server.directory().join("backup").exists());
}
