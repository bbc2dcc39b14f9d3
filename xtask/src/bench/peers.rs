//! Other people's servers: installed from their registries, as the lock files in
//! tests/bench/peers pin them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::packages;
use crate::workspace::root;

/// The version of Keycloak.
const KEYCLOAK: &str = "26.5.6";

/// Installs them, and leaves a file that says how they are started.
pub fn install() -> Result<PathBuf> {
    let place = packages::place("bench")?.join("peers");
    fs::create_dir_all(&place)?;
    let peers = [
        express(&place)?,
        simplejwt(&place)?,
        better_auth(&place)?,
        keycloak(&place)?,
    ];
    let told = place.join("peers.json");
    fs::write(&told, Value::from_iter(peers).to_string())?;
    Ok(told)
}

fn source(peer: &str) -> PathBuf {
    root().join("tests/bench/peers").join(peer)
}

/// Copies the files of a peer to where its packages are.
fn copied(place: &Path, peer: &str) -> Result<PathBuf> {
    let directory = place.join(peer);
    fs::create_dir_all(&directory)?;
    for entry in fs::read_dir(source(peer))? {
        let file = entry?.path();
        if let Some(name) = file.file_name().filter(|_| file.is_file()) {
            fs::copy(&file, directory.join(name))?;
        }
    }
    Ok(directory)
}

/// Two processes of a `server.mjs`, after a `prepare.mjs`. `told` says the rest.
fn node(place: &Path, peer: &str, mut told: Value) -> Result<Value> {
    packages::node(&place.join(peer), &source(peer))?;
    let directory = copied(place, peer)?;
    let script = |name: &str| directory.join(name).display().to_string();
    fs::copy(source("cluster.mjs"), script("cluster.mjs"))?;
    told["environment"] =
        json!({ "DATABASE_URL": "{url}", "PORT": "{port}", "NODE_ENV": "production" });
    told["prepare"] = json!(["node", script("prepare.mjs"), "{tokens}", "{directory}"]);
    told["start"] = json!(["node", script("cluster.mjs")]);
    Ok(told)
}

fn express(place: &Path) -> Result<Value> {
    let told = json!({
        "name": "Express + jsonwebtoken + PostgreSQL",
        "notes": "two processes; HS256; the digest of the refresh token in the row of its session, \
                  replaced by a conditional update",
        "ready": "/healthz",
        "script": "express/refresh.lua",
        "refresh": "/refresh",
        "read": "/me",
    });
    node(place, "express", told)
}

fn simplejwt(place: &Path) -> Result<Value> {
    let environment = place.join("simplejwt-python");
    let python = packages::python(&environment, &source("simplejwt").join("requirements.txt"))?;
    let directory = copied(place, "simplejwt")?;
    let script = |name: &str| directory.join(name).display().to_string();
    let gunicorn = environment.join("bin/gunicorn").display().to_string();
    Ok(json!({
        "name": "djangorestframework-simplejwt",
        "notes": "gunicorn, two workers; HS256; rotation with the blacklist, which adds a row for \
                  each refresh",
        "environment": { "DATABASE_URL": "{url}", "PYTHONPATH": directory, "PYTHONDONTWRITEBYTECODE": "1" },
        "prepare": [python, script("prepare.py"), "{tokens}", "{directory}"],
        "start": [
            gunicorn, "--workers", "2", "--bind", "127.0.0.1:{port}", "--keep-alive", "75",
            "--worker-class", "gthread", "--threads", "4", "site_wsgi:application",
        ],
        "ready": "/healthz",
        "script": "simplejwt/refresh.lua",
        "refresh": "/token/refresh",
        "read": "/me",
    }))
}

fn better_auth(place: &Path) -> Result<Value> {
    let told = json!({
        "name": "better-auth with its OAuth provider",
        "notes": "two processes; EdDSA; the digest of the refresh token; a row more for each \
                  refresh",
        "ready": "/api/auth/ok",
        "script": "better-auth/refresh.lua",
        "refresh": "/api/auth/oauth2/token",
    });
    node(place, "better-auth", told)
}

fn keycloak(place: &Path) -> Result<Value> {
    let directory = copied(place, "keycloak")?;
    let build = directory.join("build");
    let home = build.join(format!("dependency/keycloak-{KEYCLOAK}"));
    if !home.is_dir() {
        let properties = [
            format!("peer.directory={}", build.display()),
            format!("keycloak.version={KEYCLOAK}"),
        ];
        let pom = source("keycloak").join("pom.xml");
        let unpacked = packages::maven(&pom, &place.join("maven"), &properties)?;
        ensure!(unpacked, "Maven does not unpack Keycloak");
    }
    let script = |name: &str| directory.join(name).display().to_string();
    Ok(json!({
        "name": "Keycloak",
        "notes": "one process; RS256; its sessions in the database, too; no reuse of refresh tokens",
        "environment": {
            "DATABASE_URL": "{url}",
            "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
            "KC_BOOTSTRAP_ADMIN_PASSWORD": "admin",
        },
        "prepare": ["node", script("prepare.mjs"), "{tokens}", "{directory}", "{port}"],
        "prepare_running": true,
        "start": ["sh", script("start.sh"), home, "{port}"],
        "ready": "/realms/master",
        "script": "keycloak/refresh.lua",
        "refresh": "/realms/bench/protocol/openid-connect/token",
        "read": "/realms/bench/protocol/openid-connect/userinfo",
    }))
}
