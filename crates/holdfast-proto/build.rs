//! Compiles every contract under `proto/` without `protoc`.
//!
//! Paths are relative to the package, in which cargo runs this: checkouts that share a target directory share this program too.

use std::path::{Path, PathBuf};

const ROOT: &str = "../../proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(ROOT);
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    for folder in ["holdfast/peer/v1", "holdfast/v1"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let descriptors = protox::compile(&files, [root])?;
    tonic_prost_build::configure()
        .bytes(".holdfast.peer.v1")
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}

/// Adds the `.proto` files directly inside `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "proto") {
            println!("cargo:rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
