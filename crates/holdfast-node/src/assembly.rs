//! What runs on every node whatever carries it: consensus, barrier, request pipeline, and the tasks behind them. The server
//! puts it on a disk, a network and a process; the simulator on virtual ones.

use holdfast_barrier::{Barrier, Surroundings};
use holdfast_consensus::{Consensus, Host, Options, StartError, hosted};
use holdfast_machine::{Replica, Role};
use holdfast_request::{Core, NodeInfo};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Rest between two looks at the leader's duties when there was nothing to do.
const DUTY_REST: Duration = Duration::from_millis(500);

/// A running node, but for its doors.
pub struct Assembly {
    /// Its part in the cluster.
    pub consensus: Consensus,
    /// What answers requests.
    pub core: Arc<Core>,
    background: JoinSet<()>,
}

impl Assembly {
    /// Starts it. The surroundings' clock should be the options'.
    ///
    /// # Errors
    /// When consensus does not start.
    pub async fn start(
        options: Options,
        surroundings: Arc<dyn Surroundings>,
        cluster_name: String,
    ) -> Result<Self, StartError> {
        let host = Arc::clone(&options.host);
        let version = options.version.clone();
        let consensus = Consensus::start(options).await?;
        let replica: Arc<dyn Replica> = Arc::new(consensus.clone());
        let barrier = Arc::new(Barrier::new(replica, surroundings));
        let info = NodeInfo {
            version,
            cluster_name,
        };
        let core = Arc::new(Core::new(Arc::clone(&barrier), info));
        let mut background = JoinSet::new();
        let watched = async move { barrier.watch().await };
        let duties = duties(Arc::clone(&core), consensus.clone());
        for task in [on(&host, watched), on(&host, duties)] {
            host.adopt(background.spawn(task));
        }
        Ok(Self {
            consensus,
            core,
            background,
        })
    }

    /// Ends the tasks and consensus, in this order.
    pub async fn stop(mut self) {
        self.background.shutdown().await;
        self.consensus.shutdown().await;
    }
}

fn on(
    host: &Arc<dyn Host>,
    task: impl Future<Output = ()> + Send + 'static,
) -> holdfast_machine::BoxFuture<'static, ()> {
    Box::pin(hosted(Arc::clone(host), task))
}

/// Runs the leader's duties while this node leads.
async fn duties(core: Arc<Core>, consensus: Consensus) {
    loop {
        let busy = if consensus.glance().role == Role::Leader {
            core.leader_duties().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a duty of the leader is put off");
                false
            })
        } else {
            false
        };
        if !busy {
            tokio::time::sleep(DUTY_REST).await;
        }
    }
}
