//! The hand on the plug: ext4 file systems shut down at once, and what they had not written is lost.

use crate::page::variable;
use std::ffi::CStr;

/// Names the mount points, a line each.
const ENV: &str = "HOLDFAST_SHIM_CUT";
/// How the process ends when all were cut. Not 0: a process that did not load the library gives that.
const CUT: libc::c_int = 99;
/// How it ends otherwise.
const NOT_CUT: libc::c_int = 98;
/// `EXT4_IOC_SHUTDOWN`: `_IOR('X', 125, u32)`.
const SHUTDOWN: libc::c_ulong = 0x8004_587d;
/// The journal is not written first (`EXT4_GOING_FLAGS_NOLOGFLUSH`).
const NO_LOG_FLUSH: u32 = 2;
/// Longest path.
const PATH_MAX: usize = 4096;

/// Cuts and ends the process, when it was started for that.
pub(crate) fn cut_if_asked() {
    let Some(asked) = variable(ENV) else {
        return;
    };
    let lines = asked.to_bytes().split(|byte| *byte == b'\n');
    let mut all = true;
    for line in lines.filter(|line| !line.is_empty()) {
        all &= cut(line);
    }
    // SAFETY: ends the process, before anything of it has begun.
    unsafe { libc::_exit(if all { CUT } else { NOT_CUT }) }
}

fn cut(mount_point: &[u8]) -> bool {
    let mut path = [0_u8; PATH_MAX];
    let Some(room) = path.get_mut(..mount_point.len()) else {
        return false;
    };
    room.copy_from_slice(mount_point);
    let Ok(path) = CStr::from_bytes_until_nul(&path) else {
        return false;
    };
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the path ends with a zero.
    let fd = unsafe { libc::open(path.as_ptr(), flags) };
    if fd < 0 {
        complain(c"cannot open a mount point");
        return false;
    }
    let how = NO_LOG_FLUSH;
    // SAFETY: the descriptor is open and the request reads one u32, which lives until it returns.
    let done = unsafe { libc::ioctl(fd, SHUTDOWN, &raw const how) } == 0;
    if !done {
        complain(c"the file system cannot be shut down");
    }
    // SAFETY: ours, and not used again.
    unsafe { libc::close(fd) };
    done
}

fn complain(what: &CStr) {
    // SAFETY: a text that ends with a zero; `perror` adds the reason.
    unsafe { libc::perror(what.as_ptr()) };
}
