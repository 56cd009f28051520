//! Hardening of the whole process.
//!
//! None of it keeps root of the host out. It removes core dumps, debuggers of the same user, `/proc/<pid>/mem` and gained
//! privileges. Nothing here fails the process: what could not be done is reported.

#![expect(unsafe_code, reason = "sets process attributes through libc")]

use crate::pages::Protection;
use crate::slab::protection;
use std::io;

/// What protects this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// Debuggers of the same user cannot attach, and the kernel writes no core.
    pub dumpable_off: bool,
    /// The limit on core files is zero, for children too.
    pub core_limit_zero: bool,
    /// Nothing this process executes can gain privileges.
    pub no_new_privs: bool,
    /// The host swaps. Key pages are locked, but plaintext of requests may reach the disk: turn swap off or encrypt it.
    pub swap_on: bool,
    /// How key pages are kept.
    pub key_pages: Protection,
}

/// Hardens the process as far as the system allows. Call it first thing in `main`.
#[must_use]
pub fn harden_process() -> Hardening {
    Hardening {
        dumpable_off: set_attribute(libc::PR_SET_DUMPABLE, 0),
        core_limit_zero: forbid_core_files(),
        no_new_privs: set_attribute(libc::PR_SET_NO_NEW_PRIVS, 1),
        swap_on: is_swap_on(),
        key_pages: protection(),
    }
}

fn set_attribute(attribute: libc::c_int, value: libc::c_ulong) -> bool {
    const NONE: libc::c_ulong = 0;
    // SAFETY: the attributes used in this file take plain numbers, no pointers.
    unsafe { libc::prctl(attribute, value, NONE, NONE, NONE) == 0 }
}

fn forbid_core_files() -> bool {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit lives across the call and is only read.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) == 0 }
}

/// Files that this process makes from now on are closed to everybody else, also those that libraries make.
pub fn keep_new_files_private() {
    // SAFETY: `umask` takes a number, and always succeeds.
    unsafe {
        libc::umask(0o077);
    }
}

/// The first line of the file is a heading; each further one is a device in use.
fn is_swap_on() -> bool {
    std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

/// What a child gets when its parent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathSignal {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Terminate,
}

/// Asks the kernel to signal this process when its parent ends. Called by the child, early.
///
/// "Parent" means the *thread* that started this process: start children from a thread that lives as long as they should. A
/// parent that ended before this call sends nothing; a child that minds compares its parent's id afterwards.
///
/// # Errors
/// When the kernel refuses.
pub fn parent_death_signal(signal: DeathSignal) -> io::Result<()> {
    let number: libc::c_ulong = match signal {
        DeathSignal::Kill => 9,
        DeathSignal::Terminate => 15,
    };
    if set_attribute(libc::PR_SET_PDEATHSIG, number) {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Raises the limit on open files as far as this user may, and returns it.
///
/// # Errors
/// When the limit can be neither read nor raised.
pub fn raise_nofile_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit lives across the call, which fills it.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the limit lives across the call and is only read.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_line(field: &str) -> String {
        let status =
            std::fs::read_to_string("/proc/thread-self/status").expect("procfs is mounted");
        let line = status.lines().find(|line| line.starts_with(field));
        line.expect("the field is there")
            .split_whitespace()
            .nth(1)
            .expect("a value")
            .to_owned()
    }

    #[test]
    fn the_kernel_confirms_what_is_reported() {
        let report = harden_process();
        assert!(report.dumpable_off && report.core_limit_zero && report.no_new_privs);
        assert_eq!(status_line("NoNewPrivs:"), "1");
        let limits = std::fs::read_to_string("/proc/self/limits").expect("procfs is mounted");
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let core: Vec<_> = core
            .expect("the limit is there")
            .split_whitespace()
            .collect();
        assert_eq!(core[4..6], ["0", "0"]);
        // SAFETY: reads an attribute without pointers.
        assert_eq!(unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }, 0);
        assert_eq!(harden_process(), report, "doing it again changes nothing");
    }

    #[test]
    fn the_death_signal_is_set() {
        let read = || {
            let mut number: libc::c_int = 0;
            // SAFETY: the kernel fills the number, which lives across the call.
            let result = unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &raw mut number) };
            assert_eq!(result, 0);
            number
        };
        parent_death_signal(DeathSignal::Kill).expect("may be set");
        assert_eq!(read(), libc::SIGKILL);
        parent_death_signal(DeathSignal::Terminate).expect("may be set");
        assert_eq!(read(), libc::SIGTERM);
        assert!(set_attribute(libc::PR_SET_PDEATHSIG, 0));
    }

    #[test]
    fn open_files_reach_the_hard_limit() {
        let reached = raise_nofile_limit().expect("the soft limit may be raised");
        let limits = std::fs::read_to_string("/proc/self/limits").expect("procfs is mounted");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .expect("is there");
        let values: Vec<_> = line.split_whitespace().collect();
        assert_eq!(values[3], reached.to_string());
        assert_eq!(values[3], values[4]);
    }
}
