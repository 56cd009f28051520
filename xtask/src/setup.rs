//! What a bare machine lacks to build Holdfast: a C++ compiler for RocksDB and libclang for its bindings.
//!
//! Invariant: fast and silent about what is there; looks for the thing itself, not for a package's name, so
//! that other distributions pass.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::packages::{self, Missing};
use crate::places::{Places, on_path};

const COMPILER: Missing = Missing {
    package: "g++",
    why: "C++ compiler: RocksDB, the storage engine, is C++",
};
const LIBCLANG: Missing = Missing {
    package: "libclang-dev",
    why: "libclang: reads RocksDB's C header to make the Rust bindings",
};

/// `cargo xtask setup`.
pub(crate) fn run(places: &Places) -> Result<()> {
    ensure(places)?;
    ensure_components()?;
    println!("This machine has what Holdfast needs.");
    Ok(())
}

/// Installs what a build needs.
pub(crate) fn ensure(places: &Places) -> Result<()> {
    let missing = lacking();
    packages::install(places, &missing)?;
    if let Some(Missing { package, .. }) = lacking().first() {
        bail!("`{package}` was installed, yet what it should bring is not found");
    }
    Ok(())
}

/// Installs rustfmt and clippy where the toolchain came without them.
pub(crate) fn ensure_components() -> Result<()> {
    let absent: Vec<&str> = [("fmt", "rustfmt"), ("clippy", "clippy")]
        .into_iter()
        .filter(|(command, _)| !answers("cargo", &[command, "--version"]))
        .map(|(_, component)| component)
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    let names = absent.join(" ");
    println!("The Rust toolchain lacks {names}: rustup component add {names}");
    let added = Command::new("rustup")
        .args(["component", "add"])
        .args(&absent)
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("cannot add {names}: install them with your Rust toolchain"),
    }
}

/// The C++ compiler that the `cc` crate will use.
pub(crate) fn compiler() -> Option<PathBuf> {
    match env::var("CXX") {
        Ok(set) if !set.is_empty() => on_path(set.split(' ').next()?),
        _ => on_path("c++").or_else(|| on_path("g++")),
    }
}

fn lacking() -> Vec<Missing> {
    let mut missing = Vec::new();
    if compiler().is_none() {
        missing.push(COMPILER);
    }
    if !has_libclang() {
        missing.push(LIBCLANG);
    }
    missing
}

/// Looks where bindgen's loader looks.
fn has_libclang() -> bool {
    if let Some(set) = env::var_os("LIBCLANG_PATH") {
        return Path::new(&set).is_file() || holds_libclang(Path::new(&set));
    }
    let said = |variable: &str| {
        env::var_os(variable)
            .map(|dirs| env::split_paths(&dirs).collect())
            .unwrap_or_default()
    };
    let mut folders: Vec<PathBuf> = said("LD_LIBRARY_PATH");
    for base in ["/usr/lib", "/usr/lib64", "/usr/local/lib"] {
        folders.push(base.into());
        for child in children(Path::new(base)) {
            folders.push(child.join("lib"));
            folders.push(child);
        }
    }
    folders.iter().any(|folder| holds_libclang(folder))
}

/// A loadable libclang whose own headers (`stddef.h`) are there too: Debian's runtime package has none.
fn holds_libclang(folder: &Path) -> bool {
    let library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let libclang = name == "libclang.so" || name.starts_with("libclang.so.");
        let versioned = name.starts_with("libclang-") && name.contains(".so");
        (libclang || versioned) && !name.starts_with("libclang-cpp")
    };
    let found = children(folder).iter().any(library);
    let debian = folder.starts_with("/usr/lib");
    found && (!debian || has_clang_headers())
}

fn has_clang_headers() -> bool {
    children(Path::new("/usr/lib"))
        .into_iter()
        .filter(|child| {
            child
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("llvm"))
        })
        .map(|llvm| llvm.join("lib/clang"))
        .chain([PathBuf::from("/usr/lib/clang")])
        .flat_map(|clang| children(&clang))
        .any(|version| version.join("include/stddef.h").is_file())
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The first line that a program prints, for a version to name things by.
pub(crate) fn first_line(program: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .next()
        .map(str::to_owned)
        .with_context(|| format!("{} {} printed nothing", program.display(), args.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        for other in ["libclang-cpp.so.14", "libclangSema.a", "libclang.a"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        assert!(!holds_libclang(folder.path()));
        fs::write(folder.path().join("libclang-14.so.1"), "").unwrap();
        assert!(holds_libclang(folder.path()));
    }

    #[test]
    fn a_program_that_is_absent_does_not_answer() {
        assert!(!answers("no-program-has-this-name", &[]));
        assert!(!answers("false", &[]));
        assert!(answers("true", &[]));
    }
}
