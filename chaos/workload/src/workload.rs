//! A workload from its start to its end.

use crate::odd::OddAnswers;
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::setup::SetupError;
use crate::target::Target;
use crate::world::World;
use crate::{keyholders, seat, setup};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients at work. Dropped, they end without being waited for.
pub struct Workload {
    world: Arc<World>,
    stop: watch::Sender<bool>,
    seats: JoinSet<()>,
    keyholders: JoinSet<()>,
    sealing: JoinSet<()>,
    enough_sealing: watch::Sender<bool>,
}

/// A workload whose clients have ended.
pub struct Finished {
    pub(crate) world: Arc<World>,
}

/// What a workload did beside its operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Logical clients, the retired ones too.
    pub clients: u64,
    /// Keys that were in play.
    pub keys: u64,
    /// Tokens that were asked for.
    pub tokens: u64,
    /// Canaries put into cubbyholes and read back.
    pub cubbyholes: u64,
    /// Seals of the whole cluster that were acknowledged.
    pub seals: u64,
    /// Nodes opened.
    pub unseals: u64,
    /// Answers that no server that works as documented gives here.
    pub odd: OddAnswers,
}

impl Workload {
    /// Mounts, writes policies, waits until every node serves, and lets the clients begin.
    ///
    /// # Errors
    /// When plan or target make no sense, or the cluster does not do it within half a minute.
    pub async fn start(target: Target, plan: Plan, recorder: Recorder) -> Result<Self, SetupError> {
        plan.validate()?;
        check(&target, &plan)?;
        let (stop, stopped) = watch::channel(false);
        let world = World::new(target, plan, recorder, stopped).map_err(SetupError::Http)?;
        setup::prepare(&world).await?;
        let world = Arc::new(world);
        let (mut seats, mut keyholders) = (JoinSet::new(), JoinSet::new());
        for seat in 0..world.plan.clients {
            seats.spawn(seat::work(Arc::clone(&world), seat));
        }
        if world.plan.keyholders && !world.target.shares.is_empty() {
            for place in 0..world.target.nodes.len() {
                keyholders.spawn(keyholders::attend(Arc::clone(&world), place));
            }
        }
        Ok(Self {
            world,
            stop,
            seats,
            keyholders,
            sealing: JoinSet::new(),
            enough_sealing: watch::channel(false).0,
        })
    }

    /// From now on key holders seal the cluster from time to time, if the plan says so. A sealed cluster takes no writes: what is
    /// measured before and after faults is measured outside of this.
    pub fn begin_sealing(&mut self) {
        if self.sealing.is_empty() {
            self.enough_sealing.send_replace(false);
            let enough = self.enough_sealing.subscribe();
            self.sealing
                .spawn(keyholders::close(Arc::clone(&self.world), enough));
        }
    }

    /// Ends it: a seal under way is waited for, and what it closed may be opened.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    pub async fn end_sealing(&mut self) {
        self.enough_sealing.send_replace(true);
        ended(&mut self.sealing).await;
    }

    /// Everything that must be found in no file, log or packet between nodes: marks of values and names, tokens, shares, a long mount. Grows
    /// while clients work. Not to be printed.
    #[must_use]
    pub fn canaries(&self) -> Vec<Vec<u8>> {
        self.world.canaries()
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats(&self.world)
    }

    /// Waits until the clients end by themselves: after the plan's duration, or when the record is full. Key holders go on.
    ///
    /// # Panics
    /// When a client did: what it recorded cannot be trusted.
    pub async fn wait(&mut self) {
        ended(&mut self.seats).await;
    }

    /// Lets each client finish the operation it is at, and ends.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    pub async fn stop(mut self) -> Finished {
        self.stop.send_replace(true);
        self.wait().await;
        self.end_sealing().await;
        ended(&mut self.keyholders).await;
        Finished {
            world: Arc::clone(&self.world),
        }
    }
}

impl Finished {
    /// As [`Workload::canaries`].
    #[must_use]
    pub fn canaries(&self) -> Vec<Vec<u8>> {
        self.world.canaries()
    }

    /// What was done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats(&self.world)
    }
}

fn check(target: &Target, plan: &Plan) -> Result<(), SetupError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
    if target.nodes.is_empty() {
        return Err(SetupError::Target("has no nodes"));
    }
    if target.mount.is_empty() || !target.mount.chars().all(plain) {
        return Err(SetupError::Target(
            "mount must be letters, digits, dashes and slashes",
        ));
    }
    if !target.shares.is_empty() && !(1..=target.shares.len()).contains(&target.threshold) {
        return Err(SetupError::Target(
            "threshold must be 1 to the number of shares",
        ));
    }
    if target.shares.is_empty() && plan.sealing.is_some() {
        return Err(SetupError::Target(
            "has no shares to open what the plan seals",
        ));
    }
    Ok(())
}

fn stats(world: &World) -> Stats {
    Stats {
        clients: world.client_count(),
        keys: world.slots.keys(),
        tokens: world.tokens.count(),
        cubbyholes: world.cubbyholes.load(Ordering::Relaxed),
        seals: world.seals.load(Ordering::Relaxed),
        unseals: world.unseals.load(Ordering::Relaxed),
        odd: world.odd(),
    }
}

async fn ended(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(why) = ended
            && why.is_panic()
        {
            std::panic::resume_unwind(why.into_panic());
        }
    }
}
