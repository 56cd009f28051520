//! Whole-system tests: real processes on loopback, driven through public doors only.
