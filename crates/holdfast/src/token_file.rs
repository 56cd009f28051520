//! The token kept between commands: `~/.holdfast-token`, mode 0600. Vault's `~/.vault-token` is read, never written.

use crate::failure::Failure;
use holdfast_client::Token;
use std::io::Write;
use std::path::{Path, PathBuf};

const OWN: &str = ".holdfast-token";
const VAULTS: &str = ".vault-token";
/// Larger files are not token files.
const BYTES_MAX: u64 = 64 * 1024;

/// The token kept, if any.
pub(crate) fn read(home: &Path) -> Option<Token> {
    [OWN, VAULTS].iter().find_map(|name| {
        let path = home.join(name);
        if std::fs::metadata(&path).ok()?.len() > BYTES_MAX {
            return None;
        }
        std::fs::read_to_string(path)
            .ok()
            .map(Token::new)
            .filter(|token| !token.is_empty())
    })
}

/// Keeps a token. The file appears whole, readable by its owner only, whatever was there before.
pub(crate) fn write(home: &Path, token: &Token) -> Result<PathBuf, Failure> {
    let path = home.join(OWN);
    let keep = || -> std::io::Result<()> {
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(home)?;
        file.write_all(token.expose().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    keep()
        .map_err(|error| Failure::because(&format!("cannot write {}", path.display()), &error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn is_kept_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        assert!(read(home.path()).is_none());
        std::fs::write(home.path().join(VAULTS), "hvs.old\n").unwrap();
        assert_eq!(read(home.path()).unwrap().expose(), "hvs.old");
        std::fs::write(home.path().join(OWN), "x").unwrap();
        std::fs::set_permissions(
            home.path().join(OWN),
            std::fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        let path = write(home.path(), &Token::new("hvs.new")).ok().unwrap();
        assert_eq!(read(home.path()).unwrap().expose(), "hvs.new");
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
