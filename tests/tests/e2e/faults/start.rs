//! A database that a node must not be started on.

use e2e::cluster::ClusterSetup;
use e2e::{Database, Setup};

faults!(started_on_a_standby);

/// S59: a hot standby answers, and only reads: one line that says what to do, and no start.
/// With the primary beside it in the URL the same standby does no harm.
fn started_on_a_standby(cluster: ClusterSetup) {
    let primary = cluster.start();
    let standby = primary.standby(false);
    let finished = Setup::new(Database::at(&standby.url())).run([]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = finished.stderr.trim_end();
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in ["standby", "primary", "target_session_attrs=read-write"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains(primary.password()), "{said}");
    let both = Setup::new(Database::at(&standby.url_with(&primary))).start();
    drop(both);
    println!(
        "fault: started_on_a_standby | a hot standby is given as the database | \
         no start, exit status 1, one line | {said}"
    );
}
