//! vaultrs, a Rust client that refuses an answer with a member missing: every shape it reads is complete.

use holdfast_tests::Cluster;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use vaultrs::api::kv2::requests::{
    SetConfigurationRequest, SetSecretMetadataRequest, SetSecretRequestOptions,
};
use vaultrs::api::sys::requests::EnableEngineRequest;
use vaultrs::api::token::requests::CreateTokenRequest;
use vaultrs::client::{Client, VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use vaultrs::sys::{self, ServerStatus, mount, policy};
use vaultrs::{kv1, kv2, token};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Login {
    user: String,
    tries: u32,
}

fn login(user: &str) -> Login {
    Login {
        user: user.to_owned(),
        tries: 3,
    }
}

fn client(cluster: &Cluster, id: usize, token: &str) -> VaultClient {
    // The harness's client has set the TLS provider that both need.
    let _first_wins = cluster.http(id);
    let settings = VaultClientSettingsBuilder::default()
        .address(&cluster.nodes[id - 1].api)
        .token(token)
        .build()
        .expect("settings");
    VaultClient::new(settings).expect("a client")
}

/// A cluster and a client of one of its followers.
async fn follower() -> (Cluster, VaultClient) {
    let cluster = Cluster::ready(3).await;
    let id = cluster.followers().await[0];
    let client = client(&cluster, id, &cluster.keys.root_token);
    (cluster, client)
}

fn refused<T>(answer: Result<T, ClientError>, status: u16) -> Vec<String> {
    match answer {
        Err(ClientError::APIError { code, errors }) => {
            assert_eq!(code, status, "{errors:?}");
            errors
        }
        Err(other) => panic!("an API error with {status}, not {other}"),
        Ok(_) => panic!("an API error with {status}, not success"),
    }
}

#[tokio::test]
async fn init_unseal_health_and_status_are_read() {
    let mut cluster = Cluster::uninitialized(3).await;
    let first = client(&cluster, 1, "");
    assert!(matches!(
        sys::status(&first).await,
        Ok(ServerStatus::UNINITIALIZED)
    ));
    let made = holdfast_tests::until(
        "a leader to initialise",
        std::time::Duration::from_secs(20),
        || async {
            sys::start_initialization(&first, 3, 2, None)
                .await
                .map_err(|error| error.to_string())
        },
    )
    .await;
    assert_eq!((made.keys.len(), made.keys_base64.len()), (3, 3));
    cluster.keys = holdfast_tests::Keys {
        shares: made.keys,
        threshold: 2,
        root_token: made.root_token,
    };
    assert!(matches!(
        sys::status(&first).await,
        Ok(ServerStatus::SEALED)
    ));
    let share = |index: usize| Some(cluster.keys.shares[index].clone());
    let status = sys::unseal(&first, share(2), None, None)
        .await
        .expect("progress");
    assert_eq!(
        (status.progress, status.threshold, status.n_shares),
        (1, 2, 3)
    );
    let status = sys::unseal(&first, share(0), None, None)
        .await
        .expect("open");
    assert!(!status.sealed);
    for id in [2, 3] {
        cluster.unseal(id).await;
    }

    let leader = client(&cluster, cluster.leader().await, &cluster.keys.root_token);
    let health = sys::health(&leader).await.expect("health");
    assert!(health.initialized && !health.sealed && !health.standby);
    assert!(health.enterprise.is_some() && health.echo_duration_ms.is_some());
    assert!(health.clock_skew_ms.is_some() && !health.performance_standby);
    let follower = client(&cluster, cluster.followers().await[0], "");
    assert!(matches!(
        sys::status(&follower).await,
        Ok(ServerStatus::STANDBY)
    ));
    sys::seal(&leader).await.expect("seal");
}

#[tokio::test]
async fn mounts_are_read_in_full() {
    let (_cluster, client) = follower().await;
    let mut wanted = EnableEngineRequest::builder();
    wanted
        .description("plain")
        .options(HashMap::from([("version".to_owned(), "1".to_owned())]));
    mount::enable(&client, "plain", "kv", Some(&mut wanted))
        .await
        .expect("enabled");
    refused(mount::enable(&client, "plain", "kv", None).await, 400);
    let mounts = mount::list(&client).await.expect("mounts");
    assert_eq!(mounts["plain/"].mount_type, "kv");
    assert_eq!(mounts["plain/"].description, "plain");
    assert!(!mounts["plain/"].uuid.is_empty() && !mounts["plain/"].accessor.is_empty());
    let secret = mounts["secret/"].options.as_ref().expect("options");
    assert_eq!(secret["version"], "2");
    let one = mount::get_configuration_of_a_secret_engine(&client, "plain").await;
    assert_eq!(one.expect("one mount").mount_type, "kv");
    mount::disable(&client, "plain").await.expect("disabled");
    assert!(
        !mount::list(&client)
            .await
            .expect("mounts")
            .contains_key("plain/")
    );
    let auth = sys::auth::list(&client).await.expect("auth mounts");
    assert_eq!(auth["token/"].mount_type, "token");
}

#[tokio::test]
async fn kv1_goes_round() {
    let (_cluster, client) = follower().await;
    let mut wanted = EnableEngineRequest::builder();
    wanted.options(HashMap::from([("version".to_owned(), "1".to_owned())]));
    mount::enable(&client, "plain", "kv", Some(&mut wanted))
        .await
        .expect("enabled");
    let data = HashMap::from([("user", "ada"), ("host", "h")]);
    kv1::set(&client, "plain", "team/app", &data)
        .await
        .expect("set");
    let read: HashMap<String, String> = kv1::get(&client, "plain", "team/app").await.expect("get");
    assert_eq!(read["user"], "ada");
    let raw = kv1::get_raw(&client, "plain", "team/app")
        .await
        .expect("raw");
    assert!(raw.lease_duration > 0 && !raw.renewable);
    let keys = kv1::list(&client, "plain", "team").await.expect("list");
    assert_eq!(keys.data.keys, ["app"]);
    kv1::delete(&client, "plain", "team/app")
        .await
        .expect("delete");
    let gone = kv1::get::<HashMap<String, String>>(&client, "plain", "team/app").await;
    assert!(refused(gone, 404).is_empty());
}

#[tokio::test]
async fn kv2_goes_round() {
    let (_cluster, client) = follower().await;
    let (mount, path) = ("secret", "app/db");
    let made = kv2::set(&client, mount, path, &login("ada"))
        .await
        .expect("set");
    assert_eq!((made.version, made.destroyed), (1, false));
    let cas = |cas| SetSecretRequestOptions { cas };
    let errors = refused(
        kv2::set_with_options(&client, mount, path, &login("eve"), cas(0)).await,
        400,
    );
    assert!(errors[0].contains("check-and-set parameter"), "{errors:?}");
    let made = kv2::set_with_options(&client, mount, path, &login("eve"), cas(1)).await;
    assert_eq!(made.expect("set").version, 2);
    let read: Login = kv2::read(&client, mount, path).await.expect("read");
    assert_eq!(read, login("eve"));
    let read: Login = kv2::read_version(&client, mount, path, 1)
        .await
        .expect("read");
    assert_eq!(read, login("ada"));
    assert_eq!(
        kv2::list(&client, mount, "app").await.expect("list"),
        ["db"]
    );

    kv2::delete_latest(&client, mount, path)
        .await
        .expect("delete");
    assert!(kv2::read::<Login>(&client, mount, path).await.is_err());
    kv2::undelete_versions(&client, mount, path, vec![2])
        .await
        .expect("undelete");
    kv2::read::<Login>(&client, mount, path)
        .await
        .expect("back");
    kv2::delete_versions(&client, mount, path, vec![2])
        .await
        .expect("delete");
    kv2::destroy_versions(&client, mount, path, vec![1])
        .await
        .expect("destroy");
    let metadata = kv2::read_metadata(&client, mount, path)
        .await
        .expect("metadata");
    assert!(metadata.versions["1"].destroyed && !metadata.versions["2"].destroyed);
    assert!(!metadata.versions["2"].deletion_time.is_empty());
    kv2::delete_metadata(&client, mount, path)
        .await
        .expect("delete");
    assert!(refused(kv2::read_metadata(&client, mount, path).await, 404).is_empty());
}

#[tokio::test]
async fn kv2_metadata_and_configuration_are_read_in_full() {
    let (_cluster, client) = follower().await;
    let (mount, path) = ("secret", "app/db");
    kv2::config::set(
        &client,
        mount,
        Some(
            SetConfigurationRequest::builder()
                .max_versions(1u64)
                .delete_version_after("768h"),
        ),
    )
    .await
    .expect("configured");
    let config = kv2::config::read(&client, mount)
        .await
        .expect("configuration");
    assert_eq!((config.max_versions, config.cas_required), (1, false));
    assert_eq!(config.delete_version_after, "768h0m0s");
    let owner = HashMap::from([("owner".to_owned(), "db team".to_owned())]);
    kv2::set_metadata(
        &client,
        mount,
        path,
        Some(
            SetSecretMetadataRequest::builder()
                .max_versions(2u64)
                .custom_metadata(owner.clone()),
        ),
    )
    .await
    .expect("metadata set");
    for user in ["one", "two", "three"] {
        kv2::set(&client, mount, path, &login(user))
            .await
            .expect("set");
    }
    // The larger of the mount's and the secret's own limit holds.
    let metadata = kv2::read_metadata(&client, mount, path)
        .await
        .expect("metadata");
    assert_eq!(metadata.custom_metadata, Some(owner));
    assert_eq!((metadata.current_version, metadata.max_versions), (3, 2));
    assert_eq!(metadata.versions.len(), 2);
    assert_eq!(metadata.oldest_version, 2);
}

#[tokio::test]
async fn tokens_and_policies_go_round() {
    let (cluster, client_of_root) = follower().await;
    let rules = "path \"secret/data/app/*\" { capabilities = [\"read\"] }";
    policy::set(&client_of_root, "app", rules)
        .await
        .expect("set");
    assert_eq!(
        policy::read(&client_of_root, "app")
            .await
            .expect("read")
            .rules,
        rules
    );
    let policies = policy::list(&client_of_root).await.expect("list").policies;
    assert!(policies.contains(&"app".to_owned()) && policies.contains(&"root".to_owned()));

    let root = client_of_root.lookup().await.expect("lookup-self");
    assert_eq!((root.ttl, root.expire_time), (0, None));
    let mut wanted = CreateTokenRequest::builder();
    wanted.policies(vec!["app".to_owned()]).ttl("1h");
    let made = token::new(&client_of_root, Some(&mut wanted))
        .await
        .expect("created");
    assert_eq!((made.lease_duration, made.renewable), (3600, true));
    assert_eq!(made.token_type, "service");
    let id = cluster.followers().await[1];
    let app = client(&cluster, id, &made.client_token);
    let me = app.lookup().await.expect("lookup-self");
    assert_eq!(me.policies, ["app", "default"]);
    assert!(me.issue_time.is_some() && me.expire_time.is_some() && me.renewable == Some(true));
    token::lookup_accessor(&client_of_root, &made.accessor)
        .await
        .expect("by accessor");
    assert_eq!(
        app.renew(Some("30m"))
            .await
            .expect("renewed")
            .lease_duration,
        1800
    );
    refused(kv2::read::<Login>(&app, "secret", "other").await, 403);
    app.revoke().await.expect("revoked");
    refused(app.lookup().await, 403);
    policy::delete(&client_of_root, "app")
        .await
        .expect("deleted");
    refused(policy::read(&client_of_root, "app").await, 404);
}
