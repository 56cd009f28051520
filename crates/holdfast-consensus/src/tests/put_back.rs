//! Disks that are put back to an older image: who lacks what it had promised leaves, and until then neither votes nor is voted for.

use super::cluster::{Cluster, SOON, eventually};
use crate::link::LinkError;
use crate::members::MemberChange;
use crate::{ballot, codec, quarantine};
use holdfast_machine::{Replica as _, Role};
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use holdfast_types::StoreId;
use openraft::raft::VoteRequest;
use pb::request::Body as Ask;
use pb::response::Body as Answer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_put_back_to_an_older_disk_leaves_and_the_leader_stays() {
    let mut cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let victim = 1 + leader % 3;
    cluster.put(leader, "a", 1).await;
    cluster.node(victim).read_index(SOON).await.unwrap();
    cluster.stop(victim).await;
    let image = cluster.image(victim);
    cluster.start(victim).await;
    cluster.leader().await;
    for i in 0..5 {
        cluster.put(victim, "a", i).await;
    }
    cluster.stop(victim).await;
    cluster.restore(victim, &image);
    cluster.start(victim).await;
    has_left(&cluster, victim).await;
    cluster.put(leader, "b", 1).await;
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
    cluster.down().await;
}

/// A leader's disk is put back to the image of an earlier life while another leads. Its number, its directory, and the last batch
/// that this had promised.
async fn put_back_leader(cluster: &mut Cluster) -> (u64, StoreId, u64) {
    let first = cluster.leader().await;
    let victim = 1 + first % 3;
    cluster.put(first, "a", 1).await;
    cluster.stop(victim).await;
    let image = cluster.image(victim);
    cluster.start(victim).await;
    cluster.leader().await;
    cluster.put(victim, "a", 2).await;
    cluster.lead(victim).await;
    for i in 0..5 {
        cluster.put(victim, "a", i).await;
    }
    let mine = &cluster.node(victim).inner;
    let (store, promised) = (mine.link.store_id, mine.log.batches().promised);
    for id in (1..=3).filter(|id| *id != victim) {
        knows(cluster, id, (victim, store, promised)).await;
    }
    cluster.stop(victim).await;
    let leader = cluster.leader().await;
    cluster.put(leader, "b", 1).await;
    cluster.restore(victim, &image);
    cluster.start(victim).await;
    (victim, store, promised)
}

/// Waits until a node knows how far another one's log had been durable.
async fn knows(cluster: &Cluster, id: u64, (of, store, promised): (u64, StoreId, u64)) {
    eventually("it is told how far the log goes", async || {
        let witness = &cluster.node(id).inner.link.witness;
        witness.told_by_others(of, store, 0) >= promised
    })
    .await;
}

/// Waits until a node has left because its log lacks something.
async fn has_left(cluster: &Cluster, id: u64) {
    eventually("it leaves", async || {
        cluster.node(id).status().role == Role::Quarantined
    })
    .await;
    let trouble = cluster.node(id).status().trouble.unwrap();
    assert!(trouble.contains("lost entries"), "{trouble}");
}

/// The leader that had its acknowledgements is gone, for it was the leader: its peers remember how far its log was durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_put_back_to_an_older_disk_leaves_and_another_leads() {
    let mut cluster = Cluster::memory(3).up().await;
    let (victim, ..) = put_back_leader(&mut cluster).await;
    has_left(&cluster, victim).await;
    let others: Vec<u64> = (1..=3).filter(|id| *id != victim).collect();
    let leader = cluster.leader_among(&others).await;
    cluster.put(leader, "b", 2).await;
    assert_eq!(cluster.node(leader).status().role, Role::Leader);
    cluster.down().await;
}

/// Peers that are restarted, one after the other, learn again what it had promised: it tells them itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_entries_does_not_come_back_after_all_were_restarted() {
    let mut cluster = Cluster::memory(3).up().await;
    let (victim, store, promised) = put_back_leader(&mut cluster).await;
    has_left(&cluster, victim).await;
    for id in (1..=3).filter(|id| *id != victim) {
        cluster.stop(id).await;
        cluster.start(id).await;
        knows(&cluster, id, (victim, store, promised)).await;
    }
    cluster.stop(victim).await;
    cluster.start(victim).await;
    has_left(&cluster, victim).await;
    cluster.down().await;
}

/// A candidate's request for the vote of another node, as it would send it.
fn request(cluster: &Cluster, candidate: u64, asked: u64) -> pb::VoteRequest {
    let leader = pb::LeaderId {
        term: 1,
        node: candidate,
    };
    let vote = pb::Vote {
        leader: Some(leader),
        committed: false,
    };
    let vote = codec::to_vote(Some(&vote)).unwrap();
    let link = &cluster.node(candidate).inner.link;
    ballot::request(link, asked, &VoteRequest::new(vote, None))
}

/// Sends it; nothing is granted by answering.
async fn ask(
    cluster: &Cluster,
    (candidate, asked): (u64, u64),
    request: pb::VoteRequest,
) -> Result<Answer, LinkError> {
    let link = &cluster.node(candidate).inner.link;
    let body = Ask::PreVote(request);
    link.call(asked, Channel::Heartbeat, body, SOON).await
}

/// A follower, another node that knows what it had promised, and the directory and the promise.
async fn follower_and_witness(cluster: &Cluster) -> ((u64, u64), StoreId, u64) {
    let leader = cluster.leader().await;
    let (follower, witness) = (1 + leader % 3, leader);
    cluster.put(leader, "a", 1).await;
    cluster.node(follower).read_index(SOON).await.unwrap();
    let mine = &cluster.node(follower).inner;
    let (store, promised) = (mine.link.store_id, mine.log.batches().promised);
    knows(cluster, witness, (follower, store, promised)).await;
    ((follower, witness), store, promised)
}

/// A promise that no process of a directory has kept.
fn broken_promise(store: StoreId, promised: u64) -> pb::Told {
    pb::Told {
        store_id: store.0.to_vec().into(),
        promise: Some(pb::Promise {
            life: 7,
            batch: promised + 1000,
        }),
    }
}

/// Before any ping was answered it may be asked for its vote: the request itself says what it owes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_for_a_vote_and_lacks_what_it_promised_leaves() {
    let cluster = Cluster::memory(3).up().await;
    let ((follower, candidate), store, promised) = follower_and_witness(&cluster).await;
    let mut request = request(&cluster, candidate, follower);
    let told = request.told.last().unwrap();
    let batch = told.promise.as_ref().unwrap().batch;
    assert!(told.store_id[..] == store.0 && batch >= promised);
    // What it told itself, and another directory's promise, are no accusation.
    request
        .told
        .last_mut()
        .unwrap()
        .promise
        .as_mut()
        .unwrap()
        .batch += 1000;
    let elsewhere = broken_promise(StoreId([9; 16]), promised);
    request.told.push(elsewhere);
    let answer = ask(&cluster, (candidate, follower), request.clone()).await;
    assert!(matches!(answer, Ok(Answer::Vote(_))), "{answer:?}");
    request.told.push(broken_promise(store, promised));
    let answer = ask(&cluster, (candidate, follower), request).await;
    assert!(matches!(answer, Err(LinkError::Refused(_))), "{answer:?}");
    has_left(&cluster, follower).await;
    cluster.down().await;
}

/// Whoever holds a certificate may be a visitor: it gets no vote, and nobody leaves for its word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_accuses_nobody() {
    let cluster = Cluster::memory(3).up().await;
    let ((follower, witness), store, promised) = follower_and_witness(&cluster).await;
    let inner = &cluster.node(follower).inner;
    let mut request = request(&cluster, witness, follower);
    request.told = vec![broken_promise(store, promised)];
    let visitor = 9;
    let address = "127.0.0.1:1".parse().unwrap();
    assert!(inner.visitors.welcome(visitor, address));
    let refused = ballot::admit(inner, (visitor, None), &request);
    assert!(refused.is_err());
    assert_eq!(cluster.node(follower).status().role, Role::Follower);
    let tells = inner.link.witness.promise(&inner.log).batch;
    assert!(tells < promised + 1000, "what it says is not remembered");
    cluster.down().await;
}

/// Also to a member that joined later, of which its configuration knows nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_left_tells_the_members_it_knew() {
    let (mut cluster, fourth) = Cluster::quic(4).up_but_one().await;
    let leader = cluster.leader_among(&[1, 2, 3]).await;
    cluster.start(4).await;
    cluster.change(leader, MemberChange::Add(fourth)).await;
    let ((follower, _), store, promised) = follower_and_witness(&cluster).await;
    eventually("it knows the fourth", async || {
        let members = cluster.node(follower).inner.members();
        members.contains_key(&4)
    })
    .await;
    let inner = &cluster.node(follower).inner;
    let known = inner.members();
    quarantine::leave(inner, quarantine::LOST);
    assert!(inner.raft().is_err());
    assert_eq!(inner.members(), known);
    cluster.stop(4).await;
    cluster.start(4).await;
    knows(&cluster, 4, (follower, store, promised)).await;
    cluster.down().await;
}

/// It may have been started a moment ago and seek votes before it was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_seeks_a_vote_and_lacks_what_it_promised_gets_none() {
    let cluster = Cluster::memory(3).up().await;
    let ((candidate, asked), ..) = follower_and_witness(&cluster).await;
    let honest = request(&cluster, candidate, asked);
    let answer = ask(&cluster, (candidate, asked), honest.clone()).await;
    assert!(matches!(answer, Ok(Answer::Vote(_))), "{answer:?}");
    // A new process of the same directory, that found nothing of what the present one has told.
    let began = pb::Promise {
        life: honest.began_with.unwrap().life.wrapping_add(1),
        batch: 0,
    };
    let put_back = pb::VoteRequest {
        began_with: Some(began),
        ..honest
    };
    let answer = ask(&cluster, (candidate, asked), put_back).await;
    assert!(matches!(answer, Err(LinkError::Refused(_))), "{answer:?}");
    cluster.down().await;
}
