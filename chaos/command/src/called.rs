//! What a person types to start this command: `cargo xtask chaos` builds it where nobody would look for it.

/// The command, as whoever started it names it in HOLDFAST_CHAOS_COMMAND.
#[must_use]
pub fn name() -> String {
    or_plain(std::env::var("HOLDFAST_CHAOS_COMMAND").ok())
}

fn or_plain(told: Option<String>) -> String {
    told.unwrap_or_else(|| "holdfast-chaos".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_started_it_knows_its_name() {
        assert_eq!(
            or_plain(Some("cargo xtask chaos".to_owned())),
            "cargo xtask chaos"
        );
        assert_eq!(or_plain(None), "holdfast-chaos");
    }
}
