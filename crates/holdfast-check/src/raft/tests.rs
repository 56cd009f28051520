//! Each invariant of Raft, broken.
