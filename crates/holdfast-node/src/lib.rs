//! Puts the parts together: configuration, start, ordered shutdown, duties of the leader, telemetry.

mod assembly;
mod config;
mod start;
mod telemetry;

pub use assembly::Assembly;
pub use config::{
    ApiSection, ClusterSection, Config, ConfigError, Level, LogFormat, LogSection, Member,
    NodeSection, PeerSection, TimingPreset, TlsChoice, TlsFiles, TlsWord,
};
pub use start::{Ended, StartError, run};
pub use telemetry::start_logging;
