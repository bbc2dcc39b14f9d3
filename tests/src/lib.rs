//! The harness: starts the real `renewd` and `renewctl` and talks to them over
//! real sockets, the way their users do.
//!
//! It links none of the crates under test on purpose. What it knows of tokens,
//! cookies and tables is what the contract says of them.

pub mod client;
pub mod clock;
pub mod cluster;
pub mod consumers;
pub mod crowd;
pub mod ctl;
pub mod database;
pub mod dice;
pub mod events;
pub mod faults;
pub mod history;
pub mod jwt;
pub mod listener;
pub mod person;
pub mod ports;
pub mod power;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod reply;
pub mod server;

pub use client::{Anonymous, BodyClient, Browser, Persona, Registered, Transport};
pub use cluster::Cluster;
pub use crowd::Crowd;
pub use ctl::Ctl;
pub use database::Database;
pub use listener::Listener;
pub use person::Person;
pub use proxy::{Flow, Proxy};
pub use reply::{Call, Reply, SetCookie};
pub use server::{Server, Setup};

/// Instantiates flows once for each database.
///
/// A flow is a `fn(Database)`. On SQLite it always runs; on PostgreSQL where
/// `RENEWD_TEST_POSTGRES_URL` names a server, and says so where it does not.
/// `flows!(postgres: …)` leaves SQLite out.
#[macro_export]
macro_rules! flows {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() {
                // Both databases come to one and the same inline snapshot.
                ::insta::allow_duplicates! { super::$name($crate::Database::sqlite()); }
            })+
        }
        $crate::flows!(postgres: $($name),+);
    };
    (postgres: $($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[test] fn $name() {
                match $crate::Database::postgres() {
                    Some(database) => ::insta::allow_duplicates! { super::$name(database); },
                    None => println!("skipped: no PostgreSQL"),
                }
            })+
        }
    };
}
