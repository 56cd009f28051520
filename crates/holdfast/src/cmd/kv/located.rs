//! Where a secret is: its mount, the mount's version, the path within.

use super::Place;
use crate::failure::Failure;
use crate::session::Session;
use holdfast_client::Mount;

/// A secret's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Located {
    mount: String,
    rest: String,
    version: u64,
}

impl Place {
    /// Asks the server in which mount the path lies.
    pub(super) async fn locate(&self, at: &Session) -> Result<Located, Failure> {
        let whole = match &self.mount {
            Some(mount) => format!(
                "{}/{}",
                mount.trim_matches('/'),
                self.path.trim_matches('/')
            ),
            None => self.path.trim_matches('/').to_owned(),
        };
        let mount = at.client.sys().mount_of(whole.trim_matches('/')).await?;
        Located::new(&mount, &whole)
    }
}

impl Located {
    fn new(mount: &Mount, whole: &str) -> Result<Self, Failure> {
        let at = mount.path.trim_matches('/');
        if mount.kind != "kv" && mount.kind != "generic" {
            return Err(Failure::local(format!(
                "{at}/ is a mount of type {}, not kv",
                mount.kind
            )));
        }
        let rest = whole.trim_matches('/').strip_prefix(at);
        let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let rest = rest.ok_or_else(|| {
            Failure::local(format!(
                "the server says the path lies in {at}/, which it does not"
            ))
        })?;
        Ok(Self {
            mount: at.to_owned(),
            rest: rest.trim_matches('/').to_owned(),
            version: mount.kv_version(),
        })
    }

    /// Whether the mount keeps versions.
    pub(super) const fn is_versioned(&self) -> bool {
        self.version >= 2
    }

    /// Refuses what only mounts with versions can do.
    pub(super) fn require_versions(&self) -> Result<(), Failure> {
        if self.is_versioned() {
            return Ok(());
        }
        Err(Failure::local(format!(
            "{}/ is a KV version 1 mount, which keeps no versions",
            self.mount
        )))
    }

    /// The secret's route: as it is in version 1, under `kind` (`data`, `metadata`, `destroy`, ...) in version 2.
    pub(super) fn route(&self, kind: &str) -> String {
        let parts = if self.is_versioned() {
            vec![&*self.mount, kind, &*self.rest]
        } else {
            vec![&*self.mount, &*self.rest]
        };
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(path: &str, version: Option<&str>) -> Mount {
        let options = version.map(|version| serde_json::json!({ "version": version }));
        serde_json::from_value(
            serde_json::json!({ "type": "kv", "path": path, "options": options }),
        )
        .unwrap()
    }

    fn route(mount: &Mount, path: &str, kind: &str) -> Option<String> {
        Located::new(mount, path)
            .ok()
            .map(|located| located.route(kind))
    }

    #[test]
    fn routes_depend_on_the_version() {
        let two = mount("team/kv/", Some("2"));
        assert_eq!(
            route(&two, "team/kv/a/b", "data").unwrap(),
            "team/kv/data/a/b"
        );
        assert_eq!(
            route(&two, "/team/kv/", "metadata").unwrap(),
            "team/kv/metadata"
        );
        let one = mount("kv/", None);
        assert_eq!(route(&one, "kv/a/b", "data").unwrap(), "kv/a/b");
        assert_eq!(route(&one, "kv", "metadata").unwrap(), "kv");
        assert_eq!(route(&one, "kvx/a", "data"), None);
    }

    #[test]
    fn other_engines_are_refused() {
        let mut other = mount("cubbyhole/", None);
        other.kind = "cubbyhole".to_owned();
        let Err(failure) = Located::new(&other, "cubbyhole/a") else {
            panic!("refused")
        };
        assert!(failure.text.contains("not kv"), "{}", failure.text);
    }
}
