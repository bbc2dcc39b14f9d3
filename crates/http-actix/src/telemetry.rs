//! Logs: to standard error, for people on a terminal and as JSON elsewhere.

use std::io::{self, IsTerminal};
use std::panic;

use serde::ser::Serializer;
use tracing::Dispatch;
use tracing_serde::SerdeMapVisitor;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::log::{LogConfig, LogFormat};

/// What is logged and what is not.
type Filter = Box<dyn Layer<Registry> + Send + Sync>;

/// Installs the log of this process, and has panics go there too. To be called once.
pub fn install(config: &LogConfig) -> Result<(), ParseError> {
    let filter = filter(&quiet_http(&config.filter))?;
    let terminal = io::stderr().is_terminal();
    let default = if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    };
    let format = config.format.unwrap_or(default);
    log(filter, format, terminal, io::stderr).init();
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// To actix every request that breaks off or is no HTTP is an error; on the open internet that is
/// noise, and strangers would set off alarms. Whoever names the module gets what they ask for.
fn quiet_http(filter: &str) -> String {
    if filter.contains("actix_http") {
        filter.to_owned()
    } else {
        format!("{filter},actix_http=off")
    }
}

/// A filter that may name spans and fields looks behind a lock whenever a span begins, ends, is
/// entered or left, a dozen times a request, and it is one lock for all threads. A filter of modules
/// and levels alone needs none.
fn filter(text: &str) -> Result<Filter, ParseError> {
    Ok(match text.parse::<Targets>() {
        Ok(targets) if !text.contains('[') => Box::new(targets),
        Ok(_) | Err(_) => Box::new(EnvFilter::builder().parse(text)?),
    })
}

fn log<W>(filter: Filter, format: LogFormat, color: bool, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filtered = Registry::default().with(filter);
    let lines = fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => filtered.with(lines.with_ansi(color)).into(),
        LogFormat::Json => {
            // There is one span around a line, the request, and it is told once.
            let lines = lines.json().flatten_event(true);
            let lines = lines.with_current_span(true).with_span_list(false);
            filtered.with(lines.fmt_fields(SpanFields)).into()
        }
    }
}

/// The fields of a span, which are written for every request, whether a line is logged or not, and
/// so in one go. A span's fields must all be there when it is made: JSON cannot be added to.
struct SpanFields;

impl FormatFields<'_> for SpanFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'_>,
        fields: R,
    ) -> std::fmt::Result {
        let mut text = Vec::with_capacity(128);
        let written = serde_json::Serializer::new(&mut text)
            .serialize_map(None)
            .and_then(|map| {
                let mut members = SerdeMapVisitor::new(map);
                fields.record(&mut members);
                members.finish()
            });
        written.map_err(|_| std::fmt::Error)?;
        writer.write_str(str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

/// A panic is a line of the log like any other, so that whoever reads logs by program sees it.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let message = panic.payload_as_str().unwrap_or("no message");
    let thread = std::thread::current();
    tracing::error!(
        target: "panic",
        location,
        thread = thread.name(),
        "panicked: {message}"
    );
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::dispatcher::{DefaultGuard, set_default};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What this thread logs while it is there.
    pub(crate) struct Captured {
        lines: Lines,
        _until: DefaultGuard,
    }

    impl Captured {
        /// As JSON, through this filter.
        pub(crate) fn json(filter: &str) -> Self {
            let lines = Lines::default();
            let writer = lines.clone();
            let filter = super::filter(filter).unwrap();
            let log = log(filter, LogFormat::Json, false, move || writer.clone());
            Self {
                lines,
                _until: set_default(&log),
            }
        }

        /// The lines so far.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Strangers who send no HTTP set off no alarms, unless somebody asks to see them.
    #[test]
    fn broken_requests_are_not_errors_of_ours() {
        let told = |filter: &str| {
            let captured = Captured::json(&quiet_http(filter));
            tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
            tracing::error!("ours");
            captured.text().lines().count()
        };
        assert_eq!(told("info"), 1);
        assert_eq!(told("info,actix_http=info"), 2);
    }

    #[test]
    fn a_filter_may_name_spans_and_their_fields() {
        let captured = Captured::json("[request{id=r1}]=info,warn");
        for id in ["r1", "r2"] {
            tracing::error_span!("request", id).in_scope(|| tracing::info!("inside"));
        }
        tracing::info!("outside");
        let text = captured.text();
        assert_eq!(text.matches("inside").count(), 1, "{text}");
        assert!(text.contains("r1") && !text.contains("outside"), "{text}");
    }

    #[test]
    fn a_line_has_its_members_and_its_span_once() {
        let captured = Captured::json("info");
        tracing::error_span!("request", id = "r1").in_scope(|| {
            tracing::info!(status = 200, "answered");
            tracing::debug!("left out");
        });
        let text = captured.text();
        assert_eq!(text.matches("r1").count(), 1, "{text}");
        let line: Value = serde_json::from_str(text.trim_end()).unwrap();
        let mut names: Vec<_> = line.as_object().unwrap().keys().collect();
        names.sort();
        let expected = ["level", "message", "span", "status", "target", "timestamp"];
        assert_eq!(names, expected);
    }
}
