//! Where the shim's library is.

use crate::nemesis::NemesisError;
use std::path::{Path, PathBuf};

/// Names the library when it is not beside the program.
const ENV: &str = "HOLDFAST_SHIM";
const NAME: &str = "libholdfast_shim.so";

/// The shim's library: what the environment variable `HOLDFAST_SHIM` names, else the one that cargo built beside this
/// program.
///
/// # Errors
/// When there is none.
pub fn find_shim() -> Result<PathBuf, NemesisError> {
    let missing = |why: String| NemesisError::Unsupported { fault: "shim", why };
    if let Some(named) = std::env::var_os(ENV) {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(missing(format!("{ENV} names no file")))
        };
    }
    let program = std::env::current_exe().map_err(NemesisError::io("finding this program"))?;
    let beside = program.parent().unwrap_or(Path::new("/"));
    // A program lies in cargo's target directory, a test in `deps` below it; the library in either.
    let places = [
        beside.join(NAME),
        beside.join("deps").join(NAME),
        beside.join("..").join(NAME),
    ];
    places
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| missing(nowhere(&program)))
}

fn nowhere(program: &Path) -> String {
    format!(
        "{NAME} is not beside {}: name it with {ENV}, or let `cargo xtask chaos` build it",
        program.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_the_shim_is_told_what_gives_it() {
        let told = nowhere(Path::new("/usr/bin/holdfast-chaos"));
        assert!(told.contains("HOLDFAST_SHIM") && told.contains("`cargo xtask chaos`"));
    }
}
