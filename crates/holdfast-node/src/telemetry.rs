//! The log: to standard error, as text or as one JSON object a line.

use crate::config::{Level, LogFormat, LogSection};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging. Does nothing when a subscriber is set already.
pub fn start_logging(section: &LogSection) {
    let level = match section.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    // Libraries below speak only when something is wrong: what they would say is not written with secrets in mind.
    let filter = EnvFilter::new(format!(
        "warn,openraft=error,quinn=error,rustls=error,h2=error,hyper=error,holdfast={level}"
    ))
    .add_directive(directive("holdfast_node", level))
    .add_directive(directive("holdfast_api", level))
    .add_directive(directive("holdfast_request", level))
    .add_directive(directive("holdfast_barrier", level))
    .add_directive(directive("holdfast_consensus", level))
    .add_directive(directive("holdfast_store", level))
    .add_directive(directive("holdfast_transport", level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr);
    let _already_set = match section.format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

fn directive(target: &str, level: LevelFilter) -> tracing_subscriber::filter::Directive {
    format!("{target}={level}")
        .parse()
        .expect("a crate's name and a level make a directive")
}
