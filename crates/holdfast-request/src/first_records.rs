//! What stands in a cluster from its first moment: the default policy, the token's own mounts, the root token.

use crate::mounts::{self, MountEntry};
use holdfast_barrier::{Txn, TxnError};
use holdfast_types::NamespaceId;
use zeroize::Zeroizing;

/// Path of the mount that holds what belongs to single tokens.
pub(crate) const CUBBYHOLE: &str = "cubbyhole";

/// Writes the first records and gives out the root token.
pub(crate) fn write(txn: &mut Txn, root_token: &mut Zeroizing<String>) -> Result<(), TxnError> {
    let namespace = NamespaceId::ROOT;
    holdfast_access::write_default_policy(txn, namespace)?;
    let kind = holdfast_engines::find("cubbyhole", "").ok_or(TxnError::Corrupt("engine"))?;
    let mut entry = MountEntry::new(txn, CUBBYHOLE, kind);
    entry.builtin = true;
    "per-token private secret storage".clone_into(&mut entry.description);
    mounts::replace(txn, namespace, &entry)?;
    *root_token = holdfast_access::create_root_token(txn, namespace)?;
    Ok(())
}
