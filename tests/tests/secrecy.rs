//! Nothing secret reaches a disk or a log in the clear.

use holdfast_tests::Cluster;
use serde_json::json;
use std::path::{Path, PathBuf};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found)
        } else {
            found.push(path)
        }
    }
}

/// Every file below the folder that holds the needle. Files may vanish under a running RocksDB.
fn holding(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    files
        .into_iter()
        .filter(|path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
        .collect()
}

/// Texts that are each put where one kind of secret goes.
const CANARIES: [&str; 7] = [
    "canary-value-7f3a91c2",
    "canary-name-5d20be88",
    "canary-mount-11aa22bb",
    "canary-policy-path-90ab",
    "canary-policy-name-44",
    "canary-display-66",
    "canary-token-aa55",
];

/// Puts canaries everywhere, in good input and in bad. Gives what may be found nowhere.
async fn plant(cluster: &Cluster) -> Vec<Vec<u8>> {
    let [value, name, mount, policy_path, policy_name, display, token] = CANARIES;
    let root = cluster.root(2);
    let secret = json!({ "data": { "k": value } });
    root.post(&format!("secret/data/dir/{name}"), secret)
        .await
        .expect(200);
    root.post(&format!("sys/mounts/{mount}"), json!({ "type": "kv" }))
        .await
        .expect(204);
    let policy = format!("path \"secret/data/{policy_path}\" {{ capabilities = [\"read\"] }}");
    let policy = json!({ "policy": policy });
    root.post(&format!("sys/policies/acl/{policy_name}"), policy)
        .await
        .expect(204);
    let child = json!({ "policies": ["default"], "display_name": display });
    let child = root.post("auth/token/create", child).await.expect(200).body;

    let bad = format!("secret/data/{name}/bad");
    root.post(&bad, json!({ "data": value })).await.expect(400);
    root.post("auth/token/create", json!({ "ttl": value }))
        .await
        .expect(400);
    cluster
        .http(3)
        .with_token(token)
        .get("secret/data/x")
        .await
        .expect(403);
    cluster
        .http(1)
        .send("PUT", "sys/unseal", Some(json!({ "key": value })))
        .await;

    let text = |field: &str| {
        child["auth"][field]
            .as_str()
            .expect("a text")
            .as_bytes()
            .to_vec()
    };
    let mut needles: Vec<Vec<u8>> = CANARIES
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    needles.extend([text("client_token"), text("accessor")]);
    needles.push(cluster.keys.root_token.as_bytes().to_vec());
    for share in &cluster.keys.shares {
        needles.push(share.as_bytes().to_vec());
        needles.push(hex::decode(&share[..64]).expect("hexadecimal"));
    }
    needles
}

#[tokio::test]
async fn no_value_name_token_or_share_is_found_byte_for_byte() {
    let mut cluster = Cluster::ready(3).await;
    let needles = plant(&cluster).await;
    // The search finds what is there: the cluster's name stands in every configuration.
    assert!(!holding(cluster.folder(), b"name = \"test\"").is_empty());
    for node in &mut cluster.nodes {
        node.stop();
    }
    for needle in needles {
        let found = holding(cluster.folder(), &needle);
        assert!(
            found.is_empty(),
            "a canary of {} bytes is in {found:?}",
            needle.len()
        );
    }
}

#[tokio::test]
async fn another_user_of_the_machine_cannot_read_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = Cluster::ready(1).await;
    let data = &cluster.nodes[0].data;
    assert_eq!(
        std::fs::metadata(data).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let mut files = Vec::new();
    files_below(data, &mut files);
    for file in files {
        if let Ok(meta) = std::fs::metadata(&file) {
            assert_eq!(
                meta.permissions().mode() & 0o077,
                0,
                "{} is open to others",
                file.display()
            );
        }
    }
}
