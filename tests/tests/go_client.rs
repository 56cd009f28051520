//! Vault's own Go client, unmodified and against a follower: what it asks is in `clients/go/main.go`.

use holdfast_tests::{Cluster, client_program, must_succeed};
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn the_vault_go_client_works_unmodified() {
    let Some(go) = client_program("HOLDFAST_GO") else {
        return;
    };
    let cluster = Cluster::uninitialized(3).await;
    let addresses: Vec<&str> = cluster.nodes.iter().map(|node| node.api.as_str()).collect();
    let built = cluster.folder().join("go-client");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/go");
    let mut build = Command::new(go);
    build
        .args(["build", "-mod=readonly", "-o"])
        .arg(&built)
        .arg(".")
        .current_dir(source);
    must_succeed(build).await;
    let mut run = Command::new(built);
    run.env("VAULT_ADDRS", addresses.join(","))
        .env_remove("VAULT_ADDR")
        .env_remove("VAULT_TOKEN")
        .env_remove("VAULT_NAMESPACE")
        .env("NO_PROXY", "127.0.0.1");
    must_succeed(run).await;
}
