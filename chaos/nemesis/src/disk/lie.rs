//! A disk that lies: syncs do nothing and say that they did, until the power is cut and what was promised is gone.
//!
//! No cluster survives this on all of its nodes. It is there as a control: who looks for lost writes must find these.

use super::power::CutPower;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::shim::FaultFiles;
use crate::target::Target;
use std::time::Duration;

/// Lets disks lie. Healing cuts their power first: lies that nobody is caught in cost nothing.
pub struct LieOnSync {
    lie: FaultFiles,
    cut: CutPower,
    /// Whom it strikes, until their power was cut.
    uncut: Vec<Target>,
}

impl LieOnSync {
    /// It lies for `life` at the most.
    #[must_use]
    pub fn new(life: Duration) -> Self {
        Self {
            lie: FaultFiles::lying_sync(life),
            cut: CutPower::default(),
            uncut: Vec::new(),
        }
    }

    /// Only on files whose path holds this text (see [`FaultFiles::on`]).
    #[must_use]
    pub fn on(mut self, path_part: impl Into<String>) -> Self {
        self.lie = self.lie.on(path_part);
        self
    }
}

impl Nemesis for LieOnSync {
    fn kind(&self) -> &'static str {
        "lying-sync"
    }

    fn demand(&self) -> Demand {
        Demand::DownToHeal
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        // Without disks of their own nothing could be cut later.
        Target::disks(targets)?;
        self.lie.install(targets)?;
        self.uncut = targets.to_vec();
        Ok(())
    }

    /// It bites once a sync was lied about.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        self.lie.verify()
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        if !self.uncut.is_empty() {
            self.uncut.iter().try_for_each(Target::is_down)?;
            self.cut.install(&self.uncut)?;
            self.uncut.clear();
        }
        self.lie.heal()?;
        self.cut.heal()
    }
}
