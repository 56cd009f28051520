//! One seat: a line of logical clients, one after another, that carries out one list of intentions.

use crate::intent::{Intent, Intents, What};
use crate::rng::Rng;
use crate::target::TargetNode;
use crate::world::{Client, Done, World};
use holdfast_check::Outcome;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Wait after a refusal, at least: a dead node is not to be hammered.
const BACKOFF_MS: u64 = 20;
/// Stream of the pauses of a seat, apart from its intentions.
const PAUSES: u64 = 1 << 40;

/// Works until everything stops or the record is full.
pub(crate) async fn work(world: Arc<World>, seat: u32) {
    let mut intents = Intents::new(&world.plan, seat, world.target.nodes.len());
    let mut pauses = Rng::new(world.plan.seed, PAUSES + u64::from(seat));
    let mut client = world.client();
    let period = world
        .plan
        .rate_per_client
        .map(|rate| Duration::from_secs_f64(1.0 / rate));
    while !world.stopping() {
        let began = Instant::now();
        let Some(intent) = intents.next() else { return };
        let Some(node) = world.target.nodes.get(intent.node) else {
            return;
        };
        let Ok(outcome) = carry_out(&world, &mut client, node, intent).await else {
            return;
        };
        let wait = match outcome {
            Some(Outcome::Ok(_) | Outcome::CasMismatch | Outcome::Denied) => Duration::ZERO,
            _ => Duration::from_millis(BACKOFF_MS + pauses.below(BACKOFF_MS * 2)),
        };
        if outcome == Some(Outcome::Unknown) || client.is_spent() {
            client = world.client();
        }
        let wait = period.map_or(wait, |period| {
            wait.max(period.saturating_sub(began.elapsed()))
        });
        if !wait.is_zero() {
            world.pause(wait).await;
        }
    }
}

/// The record takes no more.
struct Full;

/// `Ok(None)` when there was nothing to do, or nothing that is judged.
async fn carry_out(
    world: &World,
    client: &mut Client,
    node: &TargetNode,
    intent: Intent,
) -> Result<Option<Outcome>, Full> {
    let done = match intent.what {
        What::Put { slot } => {
            let (key, _) = world.slots.take(slot);
            let done = world.put(client, node, key, None).await;
            saw(world, slot, key, done)
        }
        What::Cas { slot, stale } => {
            let (key, version) = world.slots.take(slot);
            let expected = if stale {
                version.saturating_sub(1)
            } else {
                version
            };
            let done = world.put(client, node, key, Some(expected)).await;
            saw(world, slot, key, done)
        }
        What::Get { slot, fresh } => {
            let (key, _) = world.slots.take(slot);
            let done = world.get(client, node, key, fresh).await;
            saw(world, slot, key, done)
        }
        What::Delete { slot } => {
            let (key, _) = world.slots.take(slot);
            world.delete(client, node, key).await
        }
        What::List { fresh } => world.list(client, node, fresh).await,
        What::CreateToken { .. }
        | What::UseToken { .. }
        | What::RevokeToken { .. }
        | What::Cubbyhole { .. } => {
            return tokens(world, client, node, intent.what).await;
        }
    };
    done.map(|done| Some(done.outcome)).ok_or(Full)
}

fn saw(world: &World, slot: usize, key: u64, done: Option<Done>) -> Option<Done> {
    if let Some(Done {
        outcome: Outcome::Ok(seen),
        ..
    }) = &done
    {
        world.slots.saw(slot, key, seen.version.unwrap_or(0));
    }
    done
}

/// Without a token to use, one is made; with too many, one is ended.
async fn tokens(
    world: &World,
    client: &mut Client,
    node: &TargetNode,
    what: What,
) -> Result<Option<Outcome>, Full> {
    use crate::intent::RevokeHow::Named;
    let tokens = &world.tokens;
    let done = match what {
        What::CreateToken { pick } if tokens.is_full() => match tokens.live(pick) {
            Some(token) => world.revoke_token(client, node, &token, Named).await,
            None => return Ok(None),
        },
        What::UseToken { pick, fresh } => match tokens.usable(pick) {
            Some(token) => world.use_token(client, node, &token, fresh).await,
            None => world.create_token(client, node, None).await,
        },
        What::RevokeToken { pick, how } => match tokens.live(pick) {
            Some(token) => world.revoke_token(client, node, &token, how).await,
            None => world.create_token(client, node, None).await,
        },
        What::Cubbyhole { pick } => {
            if let Some(token) = tokens.live(pick) {
                world.cubbyhole(client, node, &token).await;
            }
            return Ok(None);
        }
        What::CreateToken { pick } => {
            let parent = tokens.parent(pick);
            world.create_token(client, node, parent.as_ref()).await
        }
        _ => return Ok(None),
    };
    done.map(|done| Some(done.outcome)).ok_or(Full)
}
