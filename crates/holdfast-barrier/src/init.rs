//! Making a cluster's keys and shares, once.

use crate::barrier::Barrier;
use crate::open::OpenKeys;
use crate::seal::{SealConfig, seal_epoch};
use crate::surroundings::Entropy;
use crate::txn::{Txn, TxnError};
use holdfast_crypto::{Keyring, Share, ShareSet};
use holdfast_machine::{
    Command, Key, Outcome, ProposeError, Put, SystemKey, Transaction, Unavailable, Write,
};
use holdfast_memory::SecretKey;
use holdfast_mutant::Mutant;
use holdfast_types::{ClusterId, TxnId};
use std::time::Duration;

/// What the key holders chose.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// Shown name of the cluster.
    pub cluster_name: String,
    /// Shares to make, 1 to 255.
    pub shares: u8,
    /// Shares needed, 1 to `shares`; 1 only with one share.
    pub threshold: u8,
}

/// What initialising made. The shares exist nowhere else.
pub struct Initialized {
    /// The cluster's identity.
    pub cluster: ClusterId,
    /// One for each holder.
    pub shares: Vec<Share>,
}

/// Why the cluster was not initialised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InitError {
    /// It has been already, here or through another node.
    #[error("Vault is already initialized")]
    Already,
    /// The numbers of shares cannot be.
    #[error("field \"{0}\": {1}")]
    Options(&'static str, &'static str),
    /// Nobody can accept it now.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// The cluster may have been initialised with shares that nobody has.
    #[error(
        "{0}; if the cluster shows as initialized now, its data must be deleted and \
         it must be initialized again, for its shares are lost"
    )]
    Unknown(Unavailable),
    /// First records could not be made.
    #[error(transparent)]
    Txn(#[from] TxnError),
}

/// Proposals of one initialisation whose outcome stays unknown, each for the caller's whole deadline.
const PROPOSALS_MAX: usize = 6;
const BETWEEN_PROPOSALS: Duration = Duration::from_millis(100);

impl Barrier {
    /// Makes keys and shares and writes the seal configuration together with the first records that `first` puts, all in one
    /// transaction. Two nodes that are asked at once cannot both succeed. The node stays sealed.
    ///
    /// # Errors
    /// When the cluster is initialised already, the options cannot be, or nobody can accept it now.
    pub async fn initialize(
        &self,
        options: &InitOptions,
        deadline: Duration,
        first: impl FnOnce(&mut Txn) -> Result<(), TxnError> + Send,
    ) -> Result<Initialized, InitError> {
        check(options)?;
        self.replica()
            .read_index(deadline)
            .await
            .map_err(InitError::Unavailable)?;
        let (transaction, made) = self.build(options, first)?;
        match self.propose_until_known(transaction, deadline).await {
            Ok(Outcome::Applied { .. }) => Ok(made),
            Ok(Outcome::Conflict { .. }) => Err(InitError::Already),
            Ok(Outcome::Malformed(_)) => Err(TxnError::TooLarge("transaction").into()),
            Err(ProposeError::NotProposed(why)) => Err(InitError::Unavailable(why)),
            Err(ProposeError::Unknown(why)) => Err(InitError::Unknown(why)),
        }
    }

    /// Proposes again what may have been applied: the shares exist only here, and an answer without them would leave a
    /// cluster that nobody can ever open. The machine knows a transaction that it has seen.
    async fn propose_until_known(
        &self,
        transaction: Transaction,
        deadline: Duration,
    ) -> Result<Outcome, ProposeError> {
        let mut uncertain = None;
        for _ in 0..PROPOSALS_MAX {
            let command = Command::Transaction(transaction.clone());
            match self.replica().propose(command, deadline).await {
                Err(ProposeError::Unknown(why)) => uncertain = Some(why),
                // Not now; but an earlier one may have been applied.
                Err(ProposeError::NotProposed(why)) if uncertain.is_some() => uncertain = Some(why),
                known => return known,
            }
            tokio::time::sleep(BETWEEN_PROPOSALS).await;
        }
        Err(ProposeError::Unknown(
            uncertain.unwrap_or(Unavailable::NoQuorum),
        ))
    }

    fn build(
        &self,
        options: &InitOptions,
        first: impl FnOnce(&mut Txn) -> Result<(), TxnError>,
    ) -> Result<(Transaction, Initialized), InitError> {
        let view = self.replica().view().map_err(TxnError::from)?;
        let rows = [SystemKey::SealConfig, SystemKey::Keyring].map(SystemKey::to_bytes);
        for key in &rows {
            if view.get(key).map_err(TxnError::from)?.is_some() {
                return Err(InitError::Already);
            }
        }
        let (_, epoch_written_at) = seal_epoch(&*view).map_err(TxnError::from)?;
        let wall_ms = self.surroundings().wall_ms();
        let entropy = &mut Entropy(self.surroundings());

        let mut cluster = [0; 16];
        self.surroundings().fill(&mut cluster);
        let cluster = ClusterId(cluster);
        let seal_key = self.random_key();
        let root_key = self.random_key();
        let keyring = Keyring::generate(entropy, wall_ms);
        let split = holdfast_crypto::split(&seal_key, options.shares, options.threshold, entropy);
        let shares = split
            .map_err(|_| InitError::Options("secret_threshold", "cannot be met by the shares"))?;
        let set = ShareSet::new(&shares, options.threshold, 1, entropy);
        let mut config = SealConfig {
            cluster,
            cluster_name: options.cluster_name.clone(),
            created_ms: wall_ms,
            shares: set,
            wrapped_root: Vec::new(),
            root_epoch: 1,
        };
        config.wrapped_root =
            holdfast_crypto::wrap_key(&seal_key, &config.root_context(), &root_key, entropy);
        let wrapped_keyring = holdfast_crypto::wrap_bytes(
            &root_key,
            &config.keyring_context(),
            &keyring.encode(),
            entropy,
        );

        let keys = OpenKeys::new(
            cluster,
            keyring,
            self.shared_surroundings(),
            epoch_written_at,
        );
        let mut txn = Txn::new(view, std::sync::Arc::new(keys), true, Some(0), wall_ms);
        first(&mut txn)?;
        let mut transaction = txn.seal()?.unwrap_or_else(|| self.empty_transaction());
        let [config_key, keyring_key] = rows;
        let mut stored = config.encode();
        if Mutant::KeyInClear.lives() {
            stored.extend_from_slice(root_key.expose());
        }
        transaction.writes.push(put(config_key, stored));
        transaction.writes.push(put(keyring_key, wrapped_keyring));
        Ok((transaction, Initialized { cluster, shares }))
    }

    fn random_key(&self) -> SecretKey {
        let mut bytes = [0; 32];
        self.surroundings().fill(&mut bytes);
        SecretKey::from_bytes(&mut bytes)
    }

    fn empty_transaction(&self) -> Transaction {
        let mut txn_id = [0; 16];
        self.surroundings().fill(&mut txn_id);
        Transaction {
            txn_id: TxnId(txn_id),
            proposed_at_ms: 0,
            asserts: Vec::new(),
            writes: Vec::new(),
        }
    }
}

const fn put(key: Key, value: Vec<u8>) -> Write {
    Write::Put(Put {
        key,
        replaces: 0,
        value,
    })
}

const fn check(options: &InitOptions) -> Result<(), InitError> {
    if options.shares == 0 {
        return Err(InitError::Options("secret_shares", "must be 1 to 255"));
    }
    if options.threshold == 0 || options.threshold > options.shares {
        return Err(InitError::Options(
            "secret_threshold",
            "must be 1 to the number of shares",
        ));
    }
    if options.threshold == 1 && options.shares > 1 {
        return Err(InitError::Options(
            "secret_threshold",
            "must be greater than 1 when there is more than one share",
        ));
    }
    Ok(())
}
