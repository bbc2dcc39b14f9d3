//! What renewd promises, tried on the real programs over real sockets.
//!
//! One binary, so that it is linked once; one module for each room of the
//! contract. The doc comment of a test names the items of the yardstick
//! (`S45`) and the invariants of the protocol (`I3`) that it covers.

mod accounts;
mod backup;
mod bad_input;
mod configuration;
mod cookie_confusion;
mod cookies;
mod copy;
mod cors;
mod credentials;
mod csrf;
mod ctl;
mod database_patience;
mod database_start;
mod database_tls;
mod decision;
mod deploy;
mod expiry;
mod faults;
mod first_run;
mod foreign;
mod forgery;
mod framing;
mod headers;
mod history;
mod hostile_access;
mod hostile_matrix;
mod hostile_refresh;
mod hs256;
mod key_lives;
mod key_rotation;
mod keys;
mod login;
mod logout;
mod metrics;
mod nodes;
mod oauth_clients;
mod oauth_forms;
mod oauth_introspect;
mod oauth_metadata;
mod oauth_revoke;
mod oauth_token;
mod outage;
mod overload;
mod password_change;
mod passwords;
mod power_loss;
mod races;
mod registration;
mod remote;
mod revocation_feed;
mod rotation;
mod secrecy;
mod sessions;
mod shape;
mod shutdown;
mod status_list;
mod storage_faults;
mod storm;
mod throttle;
mod token_commands;
mod tokens;
mod verify;
