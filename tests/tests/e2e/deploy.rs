//! What `deploy/` tells the nodes is what the server takes.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::Setup;

fn deploy(name: &str) -> String {
    let directory: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    fs::read_to_string(directory.join(name)).expect("a file of deploy/")
}

/// The lines of `renewd.conf`, as names and values.
fn environment() -> Vec<(String, String)> {
    deploy("renewd.conf")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A setting that was renamed or withdrawn would stop both nodes.
#[test]
fn the_nodes_of_deploy_are_configured_rightly() {
    let key = "RENEWD_MASTER_KEY_FILE";
    let mut setup =
        Setup::sqlite().file("master.key", "jO6V0tN3cQ2nYz8aXk5hSgRw1uBfLpDmT7iE9vKxCqM=");
    for (name, value) in environment() {
        let value = if name == key { "master.key" } else { &value };
        setup = setup.set(&name, value);
    }
    let compose = deploy("compose.yaml");
    for name in ["RENEWD_DATABASE_URL", "RENEWD_ISSUER"] {
        assert!(compose.contains(&format!("    {name}: ")), "{name}");
    }
    let setup = setup.set(
        "RENEWD_DATABASE_URL",
        "postgres://renewd:secret@postgres/renewd",
    );
    let finished = setup.run(["check-config"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");

    // The proxy is believed where it is, and nowhere else.
    let network = environment()
        .into_iter()
        .find_map(|(name, value)| (name == "RENEWD_TRUSTED_PROXIES").then_some(value))
        .expect("the proxy's network");
    assert!(
        compose.contains(&format!("- subnet: {network}\n")),
        "{network}"
    );
    // Every node that runs is one that the proxy knows.
    let proxied = deploy("Caddyfile");
    for node in ["renewd-1", "renewd-2"] {
        assert!(compose.contains(&format!("\n  {node}: *node\n")), "{node}");
        assert!(proxied.contains(&format!("{node}:8080")), "{node}");
    }
}
