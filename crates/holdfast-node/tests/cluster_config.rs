//! The configurations in `cluster-config/` are loaded, so that they cannot rot.

use holdfast_node::Config;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn shipped() -> BTreeMap<String, Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cluster-config");
    let mut clusters: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in std::fs::read_dir(root).expect("the folder of configurations") {
        let folder = folder.expect("an entry").path();
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for file in std::fs::read_dir(folder).expect("one cluster") {
            clusters
                .entry(name.clone())
                .or_default()
                .push(file.expect("a file").path());
        }
    }
    clusters
}

#[test]
fn every_shipped_configuration_loads_and_its_nodes_agree() {
    let clusters = shipped();
    let sizes: Vec<(&str, usize)> = clusters
        .iter()
        .map(|(name, files)| (name.as_str(), files.len()))
        .collect();
    assert_eq!(
        sizes,
        [("one-node", 1), ("three-node", 3), ("three-regions", 3)]
    );
    for (name, files) in clusters {
        let configs: Vec<Config> = files
            .iter()
            .map(|file| {
                Config::load(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            })
            .collect();
        let cluster = toml::to_string(&configs[0].cluster).expect("a text");
        for config in &configs {
            assert_eq!(config.cluster.name, name);
            assert_eq!(config.cluster.members.len(), configs.len());
            assert_eq!(toml::to_string(&config.cluster).expect("a text"), cluster);
        }
        let mut ids: Vec<u64> = configs.iter().map(|config| config.node.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=configs.len() as u64).collect::<Vec<_>>());
    }
}
