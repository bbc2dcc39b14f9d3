//! `renewctl db copy`

use storage_diesel::{DatabaseUrl, Storage};

use crate::args::CopyDatabase;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Answer, Copied};
use crate::settings::MasterKeySource;

/// Copies everything into an empty database.
pub fn run(copy: &CopyDatabase, context: &Context) -> Result<Answer, Failure> {
    let from = DatabaseUrl::parse(&copy.from).map_err(Failure::value("source (--from):"))?;
    let to = DatabaseUrl::parse(&copy.to).map_err(Failure::value("target (--to):"))?;
    let bar = context.printer.progress();
    let report = Storage::copy(&from, &to, copy.live, &mut |at| {
        bar.at(at.table, at.copied, at.total);
    })?;
    drop(bar);
    context.printer.remark(&format!(
        "the keys were copied sealed: give the new installation {}",
        master_key(&from, &context.settings.master)
    ));
    if copy.live {
        context.printer.remark(
            "this was a rehearsal if the source goes on: sessions that are refreshed there from now \
             on end at the target",
        );
    }
    Ok(Answer::Copied(Copied::new(&from, &to, &report)))
}

/// Which master key opens the copied keys.
fn master_key(from: &DatabaseUrl, set: &MasterKeySource) -> String {
    match (set, from.sqlite_path()) {
        (MasterKeySource::Given(_), _) => "the RENEWD_MASTER_KEY that is set here".to_owned(),
        (MasterKeySource::File(path), _) => {
            format!(
                "the master key of {} (RENEWD_MASTER_KEY_FILE)",
                path.display()
            )
        }
        (MasterKeySource::Beside(_) | MasterKeySource::Nowhere, Some(file)) => format!(
            "the master key of {} (RENEWD_MASTER_KEY_FILE)",
            file.with_file_name("master.key").display()
        ),
        (MasterKeySource::Beside(_) | MasterKeySource::Nowhere, None) => {
            "the master key of the old one (RENEWD_MASTER_KEY_FILE)".to_owned()
        }
    }
}
