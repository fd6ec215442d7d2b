//! Where log messages go: `serve` logs events with their time, all other commands print them as they print errors.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FmtSpan, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Logs to a file in detail. `RUST_LOG` sets the filter.
pub(super) fn to_file(path: &Path) -> anyhow::Result<()> {
    // Write a first line now, so that a full disk is reported at once.
    let open = || -> io::Result<File> {
        let mut file = File::options().create(true).append(true).open(path)?;
        writeln!(file, "minicopilot {}", env!("CARGO_PKG_VERSION"))?;
        Ok(file)
    };
    let file = open().with_context(|| format!("cannot write the log {}", path.display()))?;
    tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter("minicopilot=debug"))
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
    Ok(())
}

/// Logs warnings to standard error. `RUST_LOG` sets the filter.
pub(super) fn to_standard_error() {
    tracing_subscriber::fmt()
        .log_internal_errors(false) // reporting that standard error is closed on standard error would panic
        .with_env_filter(filter("warn"))
        .with_writer(io::stderr)
        .init();
}

/// Prints warnings on standard error in the format of error messages. `RUST_LOG` sets the filter.
pub(super) fn as_messages() {
    tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter("warn"))
        .with_ansi(false)
        .event_format(Message)
        .with_writer(io::stderr)
        .init();
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
}

/// Formats an event as `minicopilot: ...`.
struct Message;

impl<S, F> FormatEvent<S, F> for Message
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, F>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "minicopilot: ")?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
