//! Other people's servers: installed from their registries, as the lock files in
//! tests/bench/peers pin them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::packages;
use crate::workspace::{root, succeeds};

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

fn express(place: &Path) -> Result<Value> {
    let directory = place.join("express");
    packages::node(&directory, &source("express"))?;
    let directory = copied(place, "express")?;
    let script = |name: &str| directory.join(name).display().to_string();
    Ok(json!({
        "name": "Express + jsonwebtoken + PostgreSQL",
        "notes": "two processes; HS256; the digest of the refresh token in the row of its session, \
                  replaced by a conditional update",
        "environment": { "DATABASE_URL": "{url}", "PORT": "{port}", "NODE_ENV": "production" },
        "prepare": ["node", script("prepare.mjs"), "{tokens}", "{directory}"],
        "start": ["node", script("cluster.mjs")],
        "ready": "/healthz",
        "script": "express/refresh.lua",
        "refresh": "/refresh",
        "read": "/me",
    }))
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
    let directory = place.join("better-auth");
    packages::node(&directory, &source("better-auth"))?;
    let directory = copied(place, "better-auth")?;
    let script = |name: &str| directory.join(name).display().to_string();
    Ok(json!({
        "name": "better-auth with its OAuth provider",
        "notes": "two processes; EdDSA; the digest of the refresh token; a row more for each \
                  refresh",
        "environment": { "DATABASE_URL": "{url}", "PORT": "{port}", "NODE_ENV": "production" },
        "prepare": ["node", script("prepare.mjs"), "{tokens}", "{directory}"],
        "start": ["node", script("cluster.mjs")],
        "ready": "/api/auth/ok",
        "script": "better-auth/refresh.lua",
        "refresh": "/api/auth/oauth2/token",
    }))
}

fn keycloak(place: &Path) -> Result<Value> {
    let directory = place.join("keycloak");
    let home = directory.join("keycloak-26.5.6");
    if !home.is_dir() {
        let unpacked = succeeds(
            Command::new("mvn")
                .args(["--quiet", "--batch-mode", "--strict-checksums", "--file"])
                .arg(source("keycloak").join("pom.xml"))
                .arg(format!(
                    "-Dmaven.repo.local={}",
                    place.join("maven").display()
                ))
                .arg(format!("-Dpeer.directory={}", directory.display()))
                .arg("process-classes"),
        );
        ensure!(
            unpacked.context("Maven is needed")?,
            "Maven does not unpack Keycloak"
        );
    }
    let directory = copied(place, "keycloak")?;
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
