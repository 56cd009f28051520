//! hvac, the Python client, unmodified and against a follower: what it asks is in `clients/hvac_suite.py`.

use holdfast_tests::{Cluster, client_program};
use std::path::Path;

#[tokio::test]
async fn hvac_works_unmodified() {
    let Some(python) = client_program("HOLDFAST_PYTHON") else {
        return;
    };
    let cluster = Cluster::uninitialized(3).await;
    let addresses: Vec<&str> = cluster.nodes.iter().map(|node| node.api.as_str()).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/hvac_suite.py");
    let mut command = tokio::process::Command::new(python);
    command
        .arg(script)
        .env("VAULT_ADDRS", addresses.join(","))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("VAULT_TOKEN")
        .env_remove("VAULT_NAMESPACE");
    holdfast_tests::must_succeed(command).await;
}
