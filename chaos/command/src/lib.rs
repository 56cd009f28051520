//! Chaos runs on real processes: scenarios, workloads, faults, verdicts.
