//! Members that change while a node is away, over QUIC, or whose change is interrupted.

use super::cluster::{Cluster, SOON, eventually};
use crate::inner::Inner;
use crate::members::{MemberChange, MembersError};
use holdfast_machine::{Replica as _, Unavailable};
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::{Channel, Passage, PeerState, Verdict};
use holdfast_types::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Node 3 is away while 4 joins and 1 is taken out. Then 1 and 2 are gone: 3 knows nobody who lives, and without it 4 is no
/// quorum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_who_joined_finds_the_quorum_again() {
    let (mut cluster, fourth) = Cluster::quic(4).up_but_one().await;
    cluster.put(1, "a", 1).await;
    cluster.stop(3).await;
    cluster.start(4).await;
    let via = cluster.leader_among(&[1, 2]).await;
    cluster.change(via, MemberChange::Add(fourth)).await;
    cluster.change(via, MemberChange::Promote(NodeId(4))).await;
    eventually("it votes", async || {
        let members = cluster.node(4).status().members;
        members
            .iter()
            .any(|member| member.id == NodeId(4) && member.voter)
    })
    .await;
    cluster.change(2, MemberChange::Remove(NodeId(1))).await;
    eventually("the removal is written down", async || {
        let record = crate::records::of(&cluster.node(4).inner, 1).unwrap();
        record.is_some_and(|record| record.removed)
    })
    .await;
    cluster.put(4, "b", 2).await;
    cluster.stop(1).await;
    cluster.stop(2).await;
    cluster.start(3).await;
    cluster.leader().await;
    assert_eq!(cluster.get(3, "b").await, Ok(Some(2)));
    cluster.put(3, "c", 3).await;

    // Who was taken out is let in by nobody who knows, also when there is no leader.
    cluster.stop(4).await;
    eventually("node 3 hears no leader", async || {
        crate::visitors::is_lost(&cluster.node(3).inner)
    })
    .await;
    cluster.start(1).await;
    eventually("the one that was taken out is refused", async || {
        let peers = cluster.node(1).inner.link.transport.status();
        let refused = peers.iter().find(|peer| peer.id == NodeId(3));
        let why = refused.and_then(|peer| peer.last_error.clone());
        why.is_some_and(|why| why.contains("not a member"))
    })
    .await;
    let state = cluster.node(3).inner.link.transport.peer_state(NodeId(1));
    assert_eq!(state, None::<PeerState>);
    visitors_may_do_little(&cluster.node(3).inner);
    cluster.down().await;
}

/// A node that hears no leader lets a stranger in, and takes from it what replication and elections need.
fn visitors_may_do_little(lost: &Inner) {
    use pb::request::Body as Ask;
    let from = "127.0.0.1:1".parse().unwrap();
    crate::visitors::knock(lost, 1, from);
    assert!(!crate::visitors::is_here(lost, 1), "it was taken out");
    crate::visitors::knock(lost, 9, from);
    assert!(crate::visitors::is_here(lost, 9));
    let may = |body: Ask| crate::visitors::may_ask(lost, 9, &body);
    assert!(may(Ask::Ping(pb::PingRequest::default())));
    assert!(may(Ask::Append(pb::AppendRequest::default())));
    let vote = |leadership_transfer| {
        Ask::Vote(pb::VoteRequest {
            leadership_transfer,
            ..pb::VoteRequest::default()
        })
    };
    assert!(may(vote(false)) && !may(vote(true)));
    assert!(!may(Ask::Members(pb::MembersRequest::default())));
    assert!(!may(Ask::Propose(pb::ProposeRequest::default())));
    assert!(!may(Ask::Join(pb::JoinRequest::default())));
    assert!(!may(Ask::StepDown(pb::StepDownRequest::default())));
    assert!(crate::visitors::may_ask(
        lost,
        4,
        &Ask::StepDown(pb::StepDownRequest::default())
    ));
}

/// The new node heard the first leader while that was alone and could give no answer. Then that leader is gone for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_node_joins_though_a_configured_one_is_gone() {
    let mut cluster = Cluster::memory(4);
    let fourth = cluster.members.pop().unwrap();
    cluster = cluster.up().await;
    let first = cluster.leader().await;
    let others: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != first)
        .collect();
    for id in &others {
        cluster.stop(*id).await;
    }
    // The one that goes is asked for its leader before all others.
    cluster.members.sort_by_key(|member| member.id.0 != first);
    cluster.members.push(fourth.clone());
    cluster.start(4).await;
    eventually("the leader is heard to lead", async || {
        let view = cluster.node(4).inner.peers.get(first);
        view.and_then(|view| view.leader) == Some(first)
    })
    .await;
    cluster.stop(first).await;
    cluster.members.pop();
    for id in &others {
        cluster.start(*id).await;
    }
    let via = cluster.leader_among(&others).await;
    cluster.change(via, MemberChange::Add(fourth)).await;
    eventually("it takes part", async || {
        cluster.node(4).read_index(SOON).await.is_ok()
    })
    .await;
    cluster.put(4, "a", 1).await;
    cluster.down().await;
}

/// A former leader got as far as the joint configuration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_left_half_done_is_finished() {
    let cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    let raft = cluster.node(leader).inner.raft().unwrap();
    let follower = 1 + leader % 3;
    let rest: BTreeSet<u64> = [1, 2, 3].into_iter().filter(|id| *id != follower).collect();
    let now = crate::inner::metrics(&raft).membership_config;
    let nodes: BTreeMap<u64, _> = now
        .membership()
        .nodes()
        .map(|(id, info)| (*id, info.clone()))
        .collect();
    let joint = openraft::Membership::new(vec![BTreeSet::from([1, 2, 3]), rest], nodes).unwrap();
    let written = raft
        .append_membership(joint, openraft::EntryPayload::Blank, [])
        .await;
    written.expect("the first half is written");
    eventually(
        "one configuration rules, in which that node learns",
        async || {
            let members = cluster.node(leader).members().unwrap();
            members.settled && members.all.get(&follower) == Some(&false)
        },
    )
    .await;
    cluster.put(follower, "a", 1).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_is_not_taken_from_the_last_that_make_a_quorum() {
    let mut cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    let (away, here) = (1 + leader % 3, 1 + (leader + 1) % 3);
    cluster.crash(away).await;
    let change = |change| cluster.node(leader).change_members(change, SOON);
    eventually("the silent one is noticed", async || {
        let members = cluster.node(leader).status().members;
        let silent = members.iter().find(|member| member.id == NodeId(away));
        silent.and_then(|member| member.last_contact_ms) > Some(4_500)
    })
    .await;
    let refused = change(MemberChange::Demote(NodeId(here))).await;
    assert!(
        matches!(&refused, Err(MembersError::Refused(text)) if text.contains("too few answer")),
        "{refused:?}"
    );
    // The lost one can go, and then the other two are all there is.
    change(MemberChange::Remove(NodeId(away))).await.unwrap();
    cluster.put(here, "a", 1).await;
    cluster.down().await;
}

/// Who is removed last learns of it from nobody: only it can commit the change, and for that it must hear the others until
/// then. A follower that no longer took it for a peer as soon as it held the change cut it off in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_removed_hears_that_it_is() {
    let cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    // Longer than a node waits between two looks at who its peers are, and less than an append is waited for.
    let late = |passage: &Passage| match (passage.channel, passage.answer) {
        (Some(Channel::Log), true) => Verdict::Delay(Duration::from_millis(150)),
        _ => Verdict::Deliver,
    };
    cluster.memory_net().filter(late);
    let change = MemberChange::Remove(NodeId(leader));
    let removed = cluster.node(leader).change_members(change, SOON).await;
    assert_eq!(removed, Ok(()));
    cluster.memory_net().heal();
    cluster.down().await;
}

/// A leader that has only just begun has heard from few: a change that needs the others waits for their first word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_not_answered_yet_is_waited_for() {
    let cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    let late = 1 + leader % 3;
    let mute = move |passage: &Passage| match (passage.channel, passage.answer) {
        (Some(Channel::Log | Channel::Heartbeat), true) if passage.from == NodeId(late) => {
            Verdict::Lose
        }
        _ => Verdict::Deliver,
    };
    cluster.memory_net().filter(mute);
    eventually(
        "it has not been heard for as long as a voter may be silent",
        async || {
            let members = cluster.node(leader).status().members;
            let silent = members.iter().find(|member| member.id == NodeId(late));
            silent.and_then(|member| member.last_contact_ms) > Some(3_500)
        },
    )
    .await;
    let change = MemberChange::Remove(NodeId(leader));
    // What was sent to the late one before is waited for first.
    let mut removal = Box::pin(cluster.node(leader).change_members(change, 2 * SOON));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut removal).await;
    assert!(early.is_err(), "it was not waited for: {early:?}");
    cluster.memory_net().heal();
    assert_eq!(removal.await, Ok(()));
    cluster.down().await;
}

/// While a change was being judged another leader wrote one. (A vote taken half way by that one became a node taken out.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_not_written_on_top_of_another_than_it_saw() {
    let cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    let node = cluster.node(leader);
    let raft = node.inner.raft().unwrap();
    let (demoted, removed) = (1 + leader % 3, 1 + (leader + 1) % 3);
    let seen = crate::inner::metrics(&raft);
    let demotion = MemberChange::Demote(NodeId(demoted));
    assert_eq!(node.change_members(demotion, SOON).await, Ok(()));
    let before = node.members().unwrap();
    let removal = openraft::ChangeMembers::RemoveVoters(BTreeSet::from([removed]));
    let written = crate::members::write(&raft, &seen, removal, false).await;
    let lost = MembersError::Unavailable(Unavailable::NoLeader);
    assert_eq!(written, Err(lost));
    let after = node.members().unwrap();
    assert_eq!(after.all, before.all);
    cluster.down().await;
}

/// What must not be done is told apart from what nobody could do, also by a node that asks the leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_who_asked_another_node() {
    let cluster = Cluster::memory(3).calm().up().await;
    let follower = 1 + cluster.leader().await % 3;
    let change = MemberChange::Remove(NodeId(9));
    let refused = cluster.node(follower).change_members(change, SOON).await;
    assert!(
        matches!(&refused, Err(MembersError::Refused(text)) if text.contains("no member")),
        "{refused:?}"
    );
    cluster.down().await;
}
