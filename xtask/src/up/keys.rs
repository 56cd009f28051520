//! The shares and the root token, in the state directory: what a production operator would hand to several people.
//!
//! Files are made with mode 0600, whole or not at all. The type prints nothing.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::files::StateDir;

/// What initialising gave.
pub(crate) struct Keys {
    /// Hexadecimal.
    pub(crate) shares: Vec<String>,
    pub(crate) threshold: usize,
    pub(crate) root_token: String,
}

impl Keys {
    /// From the answer to init, or from the file: both have the same members.
    pub(crate) fn from_json(value: &Value, threshold: usize) -> Option<Self> {
        let shares: Option<Vec<String>> = value["keys"]
            .as_array()?
            .iter()
            .map(|share| share.as_str().map(str::to_owned))
            .collect();
        Some(Self {
            shares: shares?,
            threshold,
            root_token: value["root_token"].as_str()?.to_owned(),
        })
    }

    /// Reads them; `None` on a first run.
    pub(crate) fn load(state: &StateDir) -> Result<Option<Self>> {
        let file = state.keys_file();
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        // The parser's words could quote a share.
        let keys = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
            let threshold = usize::try_from(value["threshold"].as_u64()?).ok()?;
            Self::from_json(&value, threshold)
        });
        keys.map(Some)
            .with_context(|| format!("{} is damaged", file.display()))
    }

    /// Writes them, and the token alone.
    pub(crate) fn save(&self, state: &StateDir) -> Result<()> {
        let value = json!({
            "keys": self.shares,
            "threshold": self.threshold,
            "root_token": self.root_token,
        });
        let text = serde_json::to_string_pretty(&value)?;
        write_private(&state.keys_file(), &text)?;
        write_private(&state.token_file(), &self.root_token)
    }
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    let fresh = file.with_extension("new");
    let write = || {
        let mut made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        made.write_all(text.as_bytes())?;
        made.write_all(b"\n")?;
        made.sync_all()?;
        fs::rename(&fresh, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_found_again_and_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir {
            dir: folder.path().to_owned(),
            nodes: Vec::new(),
        };
        assert!(Keys::load(&state).unwrap().is_none());
        let told = json!({ "keys": ["aa", "bb", "cc"], "root_token": "t" });
        Keys::from_json(&told, 2).unwrap().save(&state).unwrap();
        let keys = Keys::load(&state).unwrap().unwrap();
        assert_eq!((keys.shares.len(), keys.threshold), (3, 2));
        for file in [state.keys_file(), state.token_file()] {
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(state.keys_file(), "{\"keys\": canary").unwrap();
        let error = format!("{:#}", Keys::load(&state).err().unwrap());
        assert!(
            error.contains("damaged") && !error.contains("canary"),
            "{error}"
        );
    }
}
