//! Closing the process to those who would read its memory.

use crate::pages::{self, Protection};

/// Which protections are active. Nothing here fails a start: it is reported.
#[derive(Clone, Copy, Debug)]
pub struct Hardening {
    /// No debugger of the same user, no core file (`PR_SET_DUMPABLE`).
    pub undumpable: bool,
    /// Core files are limited to nothing.
    pub no_core: bool,
    /// No privileges are gained by executing.
    pub no_new_privileges: bool,
    /// The machine swaps: pages without keys may reach a disk.
    pub swap_on: bool,
}

/// Hardens the process. The first thing in `main`, before there is a second thread.
#[must_use]
pub fn harden_process() -> Hardening {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: plain system calls; the limit is read from a live value.
    let (undumpable, no_core, no_new_privileges) = unsafe {
        (
            libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none) == 0,
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
        )
    };
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    Hardening {
        undumpable,
        no_core,
        no_new_privileges,
        swap_on: swaps.lines().count() > 1,
    }
}

/// How the pages that hold keys are protected here.
#[must_use]
pub fn key_protection() -> Protection {
    pages::worst()
}

/// Ends this process when the one that started it ends, even by `kill -9`. Says whether it could be arranged.
#[must_use]
pub fn die_with_parent() -> bool {
    // SAFETY: plain system calls.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
            return false;
        }
        // The parent may have gone before the signal was arranged: then it never comes.
        libc::getppid() != 1
    }
}

/// Raises the soft limit of open files to the hard one. Gives the limit in force.
#[must_use]
pub fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is a live value of the right type.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 0;
        }
        let wanted = libc::rlimit {
            rlim_cur: limit.rlim_max,
            rlim_max: limit.rlim_max,
        };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) == 0 {
            limit.rlim_max
        } else {
            limit.rlim_cur
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardened_process_says_so() {
        let hardening = harden_process();
        assert!(hardening.undumpable && hardening.no_core && hardening.no_new_privileges);
        // SAFETY: plain system calls; the second asks about this thread.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
            assert_eq!(libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
        }
    }

    #[test]
    fn keys_are_locked_on_this_machine() {
        assert!(
            key_protection() <= Protection::Locked,
            "{:?}",
            key_protection()
        );
    }
}
