//! What can be asked of a node, and the futures that ask it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pollster::block_on;
use token_core::id::{SessionId, UserId};
use token_core::key::KeyPlan;
use token_core::key::life::KeyTask;
use token_core::password::PresentedPassword;
use token_core::service::{
    AccessRefused, Authenticated, LoggedIn, LoginError, LoginRequest, LogoutError, LogoutRequest,
    PasswordError, RefreshError, RefreshRequest, Refreshed, ReloadError, Service, StateError,
    TokenPair,
};
use token_core::session::{ClientFacts, Transport};
use token_core::store::{AuditEvent, KeyPurpose, StoreError};
use token_core::time::Clock;
use token_core::user::Identifier;

use crate::defect::Defect;
use crate::node::{Node, Surroundings, key_sources};

/// Something asked of a node.
#[derive(Debug, Clone)]
pub enum Request {
    Login {
        name: &'static str,
        transport: Transport,
        agent: String,
        replaces: Vec<SessionId>,
    },
    Refresh {
        token: String,
        transport: Transport,
        agent: String,
    },
    Logout {
        refresh: String,
        transport: Transport,
    },
    LogoutAll {
        access: String,
    },
    LogoutOthers {
        access: String,
    },
    ChangePassword {
        access: String,
        agent: String,
    },
    DeleteAccount {
        access: String,
    },
    Disable(UserId),
    Enable(UserId),
    Poll,
    LookAfterKeys,
    RotateKey(KeyPurpose),
    Sweep,
    Record(AuditEvent),
}

impl Request {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Login { .. } => "login",
            Self::Refresh { .. } => "refresh",
            Self::Logout { .. } => "logout",
            Self::LogoutAll { .. } => "logout all",
            Self::LogoutOthers { .. } => "logout others",
            Self::ChangePassword { .. } => "change password",
            Self::DeleteAccount { .. } => "delete account",
            Self::Disable(_) => "disable user",
            Self::Enable(_) => "enable user",
            Self::Poll => "poll",
            Self::LookAfterKeys => "look after keys",
            Self::RotateKey(_) => "rotate key",
            Self::Sweep => "sweep",
            Self::Record(_) => "record",
        }
    }
}

/// Why something other than a login or a refresh was not done.
#[derive(Debug)]
pub enum Failure {
    /// Storage failed: it may have been done all the same.
    Storage,
    /// It was refused.
    Refused,
}

/// What a node answers.
pub enum Answer {
    Login(Result<LoggedIn, LoginError>),
    Refresh(Result<Refreshed, RefreshError>),
    ChangePassword(Result<TokenPair, Failure>),
    Done(Result<u64, Failure>),
}

/// A request under way.
pub type Work = Pin<Box<dyn Future<Output = Answer>>>;

/// Asks a node. Nothing happens before the future is polled.
pub fn ask(node: &Node, around: &Surroundings, request: Request) -> Work {
    let service = Arc::clone(&node.service);
    let store = Arc::clone(&node.store);
    let defect = around.defect;
    let clock = Arc::clone(&around.clock);
    let entropy = Arc::clone(&around.entropy);
    Box::pin(async move {
        match request {
            Request::Login {
                name,
                transport,
                agent,
                replaces,
            } => Answer::Login(
                service
                    .login(LoginRequest {
                        identifier: Identifier::username(name),
                        password: PresentedPassword::new("named by the task"),
                        transport,
                        remember: true,
                        client: facts(&agent),
                        replaces,
                    })
                    .await,
            ),
            Request::Refresh {
                token,
                transport,
                agent,
            } => {
                if defect == Some(Defect::QueryBeforeSignature) {
                    let nobody = SessionId::generate(clock.now(), entropy.as_ref());
                    drop(store.session(nobody).await);
                }
                let request = RefreshRequest {
                    token: &token,
                    transport,
                    client: facts(&agent),
                };
                Answer::Refresh(service.refresh(request).await)
            }
            Request::Logout { refresh, transport } => {
                let request = LogoutRequest {
                    access: None,
                    refresh: Some((&refresh, transport)),
                };
                let done = match service.logout(request).await {
                    Err(LogoutError::Store(_)) if defect == Some(Defect::LogoutHidesFailure) => {
                        Ok(1)
                    }
                    Err(LogoutError::Store(_)) => Err(Failure::Storage),
                    Err(_) => Err(Failure::Refused),
                    Ok(()) => Ok(1),
                };
                Answer::Done(done)
            }
            Request::LogoutAll { access } => Answer::Done(match caller(&service, &access).await {
                Ok(caller) => counted(service.logout_all(&caller).await),
                Err(failure) => Err(failure),
            }),
            Request::LogoutOthers { access } => {
                Answer::Done(match caller(&service, &access).await {
                    Ok(caller) => counted(service.logout_others(&caller).await),
                    Err(failure) => Err(failure),
                })
            }
            Request::ChangePassword { access, agent } => {
                Answer::ChangePassword(change_password(&service, &access, &agent).await)
            }
            Request::DeleteAccount { access } => {
                Answer::Done(delete_account(&service, &access).await)
            }
            Request::Disable(id) => Answer::Done(counted(
                store.disable_user(id, clock.now()).await.map(u64::from),
            )),
            Request::Enable(id) => {
                Answer::Done(counted(store.enable_user(id).await.map(u64::from)))
            }
            Request::Poll => Answer::Done(counted(
                service
                    .poll_ended_sessions()
                    .await
                    .map(|polled| u64::try_from(polled.delays.len()).unwrap_or(0)),
            )),
            Request::LookAfterKeys => Answer::Done(look_after_keys(&service).await),
            Request::RotateKey(purpose) => {
                let stored = match store.keys().await {
                    Ok(stored) => stored,
                    Err(_) => return Answer::Done(Err(Failure::Storage)),
                };
                let plan = KeyPlan::new(KeyTask::Rotate(purpose), &stored, clock.now());
                Answer::Done(match plan {
                    Err(_) => Err(Failure::Refused),
                    Ok(plan) => {
                        let change = key_sources().carry_out(plan, entropy.as_ref());
                        counted(store.change_keys(change).await.map(|_| 1))
                    }
                })
            }
            Request::Sweep => Answer::Done(counted(service.sweep().await)),
            Request::Record(event) => {
                Answer::Done(counted(service.record(event).await.map(|()| 1)))
            }
        }
    })
}

/// Does at once, with nothing between, what a job of the server does.
pub fn at_once(around: &Surroundings, node: &Node, request: Request) -> Answer {
    around
        .control
        .freely(|| block_on(ask(node, around, request)))
}

fn facts(agent: &str) -> ClientFacts {
    ClientFacts::new(None, Some(agent), None)
}

fn counted(done: Result<u64, StoreError>) -> Result<u64, Failure> {
    done.map_err(|_| Failure::Storage)
}

async fn caller(service: &Service, access: &str) -> Result<Authenticated, Failure> {
    match service.authenticate_with_state(access).await {
        Ok(caller) => Ok(caller),
        Err(StateError::Store(_) | StateError::Refused(AccessRefused::Unknown)) => {
            Err(Failure::Storage)
        }
        Err(StateError::Refused(_) | StateError::NotAUser) => Err(Failure::Refused),
    }
}

fn of_password(error: PasswordError) -> Failure {
    match error {
        PasswordError::Store(_) | PasswordError::Check(LoginError::Store(_)) => Failure::Storage,
        PasswordError::PasswordIncorrect | PasswordError::Rejected(_) | PasswordError::Check(_) => {
            Failure::Refused
        }
    }
}

async fn change_password(
    service: &Service,
    access: &str,
    agent: &str,
) -> Result<TokenPair, Failure> {
    let caller = caller(service, access).await?;
    let current = PresentedPassword::new("named by the task");
    let new = service
        .password_policy()
        .candidate("named by the task as well", &[])
        .map_err(|_| Failure::Refused)?;
    service
        .change_password(&caller, current, new, facts(agent))
        .await
        .map_err(of_password)
}

async fn delete_account(service: &Service, access: &str) -> Result<u64, Failure> {
    let caller = caller(service, access).await?;
    let password = PresentedPassword::new("named by the task");
    service
        .delete_account(&caller, password, &facts("browser"))
        .await
        .map(|()| 1)
        .map_err(of_password)
}

async fn look_after_keys(service: &Service) -> Result<u64, Failure> {
    let failed = |error: ReloadError| match error {
        ReloadError::Store(_) | ReloadError::Running => Failure::Storage,
        ReloadError::Keys(_) => Failure::Refused,
    };
    let mut changes = 0;
    // As the job does: until nothing is due.
    while let Some(due) = service.keys_due().await.map_err(failed)? {
        let change = service.prepare_keys(due);
        service.change_keys(change).await.map_err(failed)?;
        changes += 1;
        if changes > 8 {
            break;
        }
    }
    Ok(changes)
}
