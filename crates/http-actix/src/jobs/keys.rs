//! Reads the keys again, and sees to it that each goes its way: published, signing, kept, gone.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task;
use token_core::service::{ReloadError, Service};

use super::every;
use super::outage::Outage;

/// What one process does with keys, another knows within a second, even if storage does not tell
/// it or the word is lost. One small query, which opens nothing where nothing has changed.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) async fn run(service: Arc<Service>) {
    let mut ticks = every(PERIOD);
    let mut outage = Outage::new("looking after the keys");
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = service.keys_may_have_changed() => ticks.reset(),
        }
        // The ring that is there stays in use where this fails.
        outage.saw(look_after(&service).await);
    }
}

/// Does what is due. What comes after that is seen at the next look.
async fn look_after(service: &Arc<Service>) -> Result<(), ReloadError> {
    let Some(due) = service.keys_due().await? else {
        return Ok(());
    };
    let preparing = Arc::clone(service);
    // An RSA key takes longer to make than this thread may be away.
    let prepared = task::spawn_blocking(move || preparing.prepare_keys(due)).await;
    match prepared {
        Ok(change) => service.change_keys(change).await,
        // The program is ending, or it panicked, which the hook has logged: the next look tries
        // again.
        Err(_) => Ok(()),
    }
}
