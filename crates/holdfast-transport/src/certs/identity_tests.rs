//! What an authority issues is taken, and everything else is refused with words that say why.

use super::*;
use crate::certs::authority::{AuthorityError, ClusterAuthority, IssuedCertificate};

fn load(
    authority: &ClusterAuthority,
    issued: &IssuedCertificate,
    node: u64,
    cluster: &str,
) -> Result<Identity, IdentityError> {
    Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(node),
        cluster,
    )
}

fn refusal(result: Result<Identity, IdentityError>) -> IdentityError {
    result.err().expect("this identity must be refused")
}

#[test]
fn takes_what_the_authority_issued_and_a_reloaded_authority_issues_the_same() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let extra = [
        "localhost".to_owned(),
        "10.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let issued = authority.issue_node(NodeId(3), &extra).unwrap();
    assert_eq!(
        load(&authority, &issued, 3, "prod").ok().unwrap().node(),
        NodeId(3)
    );

    let reloaded =
        ClusterAuthority::load("prod", authority.cert_pem(), &authority.key_pem()).unwrap();
    let issued = reloaded.issue_node(NodeId(4), &[]).unwrap();
    assert!(load(&authority, &issued, 4, "prod").is_ok());
}

#[test]
fn refuses_another_clusters_authority_and_names_both() {
    let ours = ClusterAuthority::generate("prod").unwrap();
    let theirs = ClusterAuthority::generate("prod").unwrap();
    let issued = theirs.issue_node(NodeId(1), &[]).unwrap();
    let error = refusal(load(&ours, &issued, 1, "prod"));
    assert!(matches!(error, IdentityError::WrongAuthority { .. }));
    let text = error.to_string();
    assert!(text.contains("another cluster's authority"), "{text}");
    assert!(text.contains("holdfast cluster certs"), "{text}");
    assert!(text.matches("Holdfast authority").count() == 2, "{text}");
}

#[test]
fn refuses_another_node_or_cluster() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let issued = authority.issue_node(NodeId(1), &[]).unwrap();
    for (node, cluster) in [(2, "prod"), (11, "prod"), (1, "test")] {
        let error = refusal(load(&authority, &issued, node, cluster));
        assert!(matches!(error, IdentityError::WrongName { .. }), "{error}");
        assert!(error.to_string().contains("node-1.prod"), "{error}");
    }
}

#[test]
fn refuses_a_listeners_certificate_and_a_listener_cannot_carry_a_nodes_name() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let issued = authority.issue_api(&["vault.example".to_owned()]).unwrap();
    let error = refusal(load(&authority, &issued, 1, "prod"));
    assert!(matches!(error, IdentityError::WrongName { .. }), "{error}");

    for name in ["node-1.prod", "NODE-1.prod"] {
        assert!(matches!(
            authority.issue_api(&[name.to_owned()]),
            Err(AuthorityError::NodeName { index: 0 })
        ));
    }
    assert!(matches!(
        authority.issue_node(
            NodeId(1),
            &["localhost".to_owned(), "node-2.prod".to_owned()]
        ),
        Err(AuthorityError::NodeName { index: 1 })
    ));
    assert!(matches!(
        authority.issue_api(&["not a name".to_owned()]),
        Err(AuthorityError::Name { index: 0 })
    ));
    assert!(matches!(
        authority.issue_api(&[]),
        Err(AuthorityError::NoName)
    ));
}

#[test]
fn refuses_an_expired_one_a_foreign_key_and_rubbish() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let issued = authority.issue_node(NodeId(1), &[]).unwrap();
    let other = authority.issue_node(NodeId(1), &[]).unwrap();

    let crossed = IssuedCertificate {
        cert_pem: issued.cert_pem.clone(),
        key_pem: other.key_pem,
    };
    let error = refusal(load(&authority, &crossed, 1, "prod"));
    assert!(matches!(error, IdentityError::KeyMismatch), "{error}");

    let key = rcgen::KeyPair::generate().unwrap();
    let ca_key = rcgen::KeyPair::from_pem(&authority.key_pem()).unwrap();
    let ca = rcgen::Issuer::from_ca_cert_pem(authority.cert_pem(), ca_key).unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["node-1.prod".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = IssuedCertificate {
        cert_pem: params.signed_by(&key, &ca).unwrap().pem(),
        key_pem: zeroize::Zeroizing::new(key.serialize_pem()),
    };
    let error = refusal(load(&authority, &expired, 1, "prod"));
    assert!(matches!(error, IdentityError::Expired(_)), "{error}");

    let ca = authority.cert_pem().as_bytes();
    let cert = issued.cert_pem.as_bytes();
    let key = issued.key_pem.as_bytes();
    let load = |ca, cert, key| refusal(Identity::load(ca, cert, key, NodeId(1), "prod"));
    assert!(matches!(load(b"x", cert, key), IdentityError::Authority));
    assert!(matches!(load(ca, b"x", key), IdentityError::Certificate));
    assert!(matches!(load(ca, cert, b"x"), IdentityError::Key));
}

#[test]
fn an_authority_needs_its_own_key_and_the_right_to_sign() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let other = ClusterAuthority::generate("prod").unwrap();
    assert!(matches!(
        ClusterAuthority::load("prod", authority.cert_pem(), &other.key_pem()),
        Err(AuthorityError::Mismatch)
    ));
    let leaf = authority.issue_node(NodeId(1), &[]).unwrap();
    assert!(matches!(
        ClusterAuthority::load("prod", &leaf.cert_pem, &leaf.key_pem),
        Err(AuthorityError::Certificate)
    ));
}
