//! `renewctl user create`

use token_core::id::UserId;
use token_core::store::{CreateOutcome, NewUser, UserStore};
use token_core::user::{Email, FullName, Role, User, Username};

use crate::args::CreateUser;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::hasher;
use crate::output::Answer;
use crate::password;

/// Makes an account, whether or not registration is open. Everything is checked before a database
/// is touched or made.
pub fn run(new: &CreateUser, context: &Context) -> Result<Answer, Failure> {
    let now = context.now();
    let user = User {
        id: UserId::generate(now, context.entropy.as_ref()),
        username: Username::parse(&new.username).map_err(Failure::value("user name"))?,
        email: Email::parse(&new.email).map_err(Failure::value("e-mail address"))?,
        full_name: FullName::parse(&new.full_name).map_err(Failure::value("full name"))?,
        email_verified: false,
        roles: roles(&new.roles)?,
        created_at: now,
        disabled_at: None,
    };
    let chosen = password::choose(
        &new.password,
        context.settings.passwords,
        &password::context(&user),
        context.entropy.as_ref(),
    )?;
    let store = context.open_or_create()?;
    let new = NewUser {
        password_hash: hasher(&store, context)?.hash_now(&chosen.password),
        user: user.clone(),
    };
    match wait(store.create_user(new, now))? {
        CreateOutcome::Created => Ok(Answer::Done {
            verb: "created",
            user,
            password: chosen.generated,
        }),
        CreateOutcome::UsernameTaken => {
            Err(Failure::UsernameTaken(user.username.as_str().to_owned()))
        }
        CreateOutcome::EmailTaken => Err(Failure::EmailTaken(user.email.as_str().to_owned())),
    }
}

/// Each role once.
fn roles(names: &[String]) -> Result<Vec<Role>, Failure> {
    let mut roles = names
        .iter()
        .map(|name| Role::parse(name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::value("role is not one:"))?;
    roles.sort();
    roles.dedup();
    Ok(roles)
}
