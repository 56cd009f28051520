//! The replicated state machine over sealed records: command, apply, outcome, dedupe, digest.
