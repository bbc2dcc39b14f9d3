//! Other people's servers: installed from their registries, as the lock files in
//! tests/bench/peers pin them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use crate::packages;
use crate::workspace::root;

/// Installs them, and leaves a file that says how they are started.
pub fn install() -> Result<PathBuf> {
    let place = packages::place("bench")?.join("peers");
    fs::create_dir_all(&place)?;
    let peers = [express(&place)?, simplejwt(&place)?];
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
