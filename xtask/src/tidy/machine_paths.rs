//! No file names one person's machine or a package registry's host: such a line works nowhere else, or tells
//! where it was written.

use super::Finding;
use super::tracked::Tracked;

/// Folders of one machine. Put together here so that this file does not break its own rule.
const FOLDERS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];
/// Hosts of package registries; cargo, pip and apt know their own.
const HOSTS: [&str; 8] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("proxy.go", "lang.org"),
    concat!("deb.deb", "ian.org"),
    concat!("repo1.ma", "ven.org"),
];

pub(crate) fn check(file: &Tracked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        if let Some(folder) = FOLDERS.iter().find(|folder| names_folder(line, folder)) {
            findings.push(Finding::at(
                file,
                number,
                format!("`{folder}` is one machine's folder"),
            ));
        }
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            findings.push(Finding::at(
                file,
                number,
                format!("`{host}` is a registry's host"),
            ));
        }
    }
    findings
}

/// True where the folder starts a path: `secret/ro…` and `https://host/ho…` are other things.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|char| char.is_alphanumeric() || "_-.+*}/~>".contains(char))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_where_a_path_starts() {
        for folder in FOLDERS {
            let line = format!("let path = \"{folder}x\";\n");
            assert_eq!(
                check(&Tracked::new("crates/a/src/a.rs", line)).len(),
                1,
                "{folder}"
            );
            let inside = format!("curl https://example.com{folder}x sys{folder}y\n");
            assert_eq!(check(&Tracked::new("README.md", inside)), [], "{folder}");
        }
    }

    #[test]
    fn registry_hosts_are_found() {
        for host in HOSTS {
            let line = format!("url = \"https://{host}/x\"\n");
            assert_eq!(check(&Tracked::new("a.toml", line)).len(), 1, "{host}");
        }
    }
}
