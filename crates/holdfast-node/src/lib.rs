//! Puts the parts together: configuration, start, ordered shutdown, leader duties, telemetry.
