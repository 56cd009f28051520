//! Locked secret memory and process hardening; the only crate with unsafe code.
