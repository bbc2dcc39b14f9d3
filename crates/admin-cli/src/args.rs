//! The command line as typed. Nothing is checked here but its grammar; the commands parse what
//! they are given.

mod client;
mod db;
mod key;
mod session;
mod token;
mod user;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use client::{ClientRef, ClientVerb, CreateClient};
pub use db::DbVerb;
pub use key::{BackUpKeys, KeyVerb, ListKeys, Purpose, RetireKey, RewrapKeys, RotateKey};
pub use session::{EndSession, ListSessions, SessionVerb};
pub use token::{TokenSource, TokenVerb};
pub use user::{CreateUser, PasswordSource, SetPassword, UserRef, UserVerb};

const DATABASE_HELP: &str = "The database: sqlite://PATH or postgres://… \
    [default: RENEWD_DATABASE_URL, DATABASE_URL, else sqlite://data/renewd.db]";

/// Manages users, sessions and keys of renewd, on its database, beside a running server or without one.
#[derive(Debug, Parser)]
#[command(name = "renewctl", version, max_term_width = 100)]
#[command(subcommand_value_name = "NOUN", subcommand_help_heading = "Nouns")]
pub struct Cli {
    /// The database.
    #[arg(long, global = true, value_name = "URL", help = DATABASE_HELP)]
    pub database_url: Option<String>,

    /// The server's configuration file [default: renewd.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How to print [default: table on a terminal, json elsewhere]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Ask nothing: needed without a terminal by what ends or deletes something
    #[arg(long, global = true)]
    pub yes: bool,

    /// Print only what was asked for: lists, details and generated passwords
    #[arg(long, global = true)]
    pub quiet: bool,

    /// What to work on.
    #[command(subcommand)]
    pub noun: Noun,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// What to work on.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Accounts
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    User(UserVerb),
    /// Logins of users
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Session(SessionVerb),
    /// Keys of tokens and passwords
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Key(KeyVerb),
    /// Programs with a name and a secret of their own
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Client(ClientVerb),
    /// Tokens, looked at one by one
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Token(TokenVerb),
    /// The database itself
    #[command(
        subcommand,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Db(DbVerb),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        let words = std::iter::once("renewctl").chain(line.split_whitespace());
        Cli::try_parse_from(words).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_anywhere() {
        for line in [
            "--yes --output json user delete ada",
            "user --yes delete --output json ada",
            "user delete ada --output json --yes",
        ] {
            let cli = parse(line).unwrap();
            assert!(cli.yes, "{line}");
            assert_eq!(cli.output, Some(Format::Json), "{line}");
        }
    }

    #[test]
    fn a_password_has_one_source_and_is_never_an_argument() {
        let create = "user create ada --email a@example.com --full-name Ada";
        assert!(parse(create).is_ok());
        for source in ["--generate", "--password-stdin", "--password-file f"] {
            assert!(parse(&format!("{create} {source}")).is_ok(), "{source}");
        }
        for two in [
            "--generate --password-stdin",
            "--password-stdin --password-file f",
        ] {
            let refused = parse(&format!("{create} {two}")).err();
            assert_eq!(refused, Some(ErrorKind::ArgumentConflict), "{two}");
        }
        for argument in ["--password secret", "secret"] {
            let refused = parse(&format!("{create} {argument}")).err();
            assert_eq!(refused, Some(ErrorKind::UnknownArgument), "{argument}");
        }
    }

    #[test]
    fn a_session_is_ended_by_id_or_by_user() {
        let refused = |line| parse(line).err();
        assert_eq!(refused("session end x"), None);
        assert_eq!(refused("session end --user ada"), None);
        assert_eq!(
            refused("session end"),
            Some(ErrorKind::MissingRequiredArgument)
        );
        assert_eq!(
            refused("session end x --user ada"),
            Some(ErrorKind::ArgumentConflict)
        );
    }

    #[test]
    fn the_name_of_a_key_may_begin_with_a_dash() {
        for kid in ["-a_B9", "--x", "k"] {
            let Noun::Key(KeyVerb::Retire(retire)) =
                parse(&format!("key retire {kid}")).unwrap().noun
            else {
                panic!("not key retire");
            };
            assert_eq!(retire.kid, kid);
        }
        let cli = parse("key retire -a_B9 --yes").unwrap();
        assert!(cli.yes);
    }

    #[test]
    fn roles_are_given_one_by_one() {
        let line = "user create ada --email e --full-name F --role admin --role billing:read";
        let Noun::User(UserVerb::Create(create)) = parse(line).unwrap().noun else {
            panic!("not user create");
        };
        assert_eq!(create.roles, ["admin", "billing:read"]);
    }

    #[test]
    fn the_help_shows_nouns_and_global_flags() {
        insta::assert_snapshot!(Cli::command().term_width(80).render_help(), @"
        Manages users, sessions and keys of renewd, on its database, beside a running
        server or without one

        Usage: renewctl [OPTIONS] <NOUN>

        Nouns:
          user     Accounts
          session  Logins of users
          key      Keys of tokens and passwords
          client   Programs with a name and a secret of their own
          token    Tokens, looked at one by one
          db       The database itself
          help     Print this message or the help of the given subcommand(s)

        Options:
              --database-url <URL>  The database: sqlite://PATH or postgres://…
                                    [default: RENEWD_DATABASE_URL, DATABASE_URL, else
                                    sqlite://data/renewd.db]
              --config <FILE>       The server's configuration file [default:
                                    renewd.toml, if there is one]
              --output <FORMAT>     How to print [default: table on a terminal, json
                                    elsewhere] [possible values: table, json]
              --yes                 Ask nothing: needed without a terminal by what ends
                                    or deletes something
              --quiet               Print only what was asked for: lists, details and
                                    generated passwords
          -h, --help                Print help (see more with '--help')
          -V, --version             Print version
        ");
    }
}
