//! Faults for real processes: each is installed, verified to bite, and healed; `doctor` says which work on this machine.
