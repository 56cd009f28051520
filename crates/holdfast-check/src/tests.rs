//! Each checker, shown what it exists for.
