//! Keys of two nodes: changed by either of them or by an administrator, for both.

use e2e::{Database, Setup, flows};

use super::start_both;
use crate::key_lives::retire;
use crate::key_rotation::{restless, traffic};

flows!(postgres:
    nodes_rotate_and_fail_no_verification,
    a_retired_key_is_refused_on_every_node,
);

/// S32 S34: nodes that start and rotate at once, each shown the tokens of the other.
fn nodes_rotate_and_fail_no_verification(database: Database) {
    let (a, b) = start_both(restless(database));
    traffic(&[&a, &b], 3);
}

/// S33: also where nobody asked for it.
fn a_retired_key_is_refused_on_every_node(database: Database) {
    let (a, b) = start_both(Setup::new(database));
    retire(&[&a, &b]);
}
