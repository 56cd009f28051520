//! One table: every refusal with its HTTP status, its gRPC code, and whether a client may simply try again.

use holdfast_barrier::{CommitError, TxnError};
use holdfast_contract::Refusal;
use tonic::Code;

/// How a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) http: u16,
    pub(crate) grpc: Code,
    /// Nothing was done, and another try may help: `Retry-After` says so. Clients repeat a write only then.
    pub(crate) retry: bool,
}

const fn told(http: u16, grpc: Code) -> Told {
    Told {
        http,
        grpc,
        retry: false,
    }
}

const BUSY: Told = Told {
    http: 503,
    grpc: Code::Unavailable,
    retry: true,
};
const INTERNAL: Told = told(500, Code::Internal);

/// The table.
pub(crate) const fn of(refusal: &Refusal) -> Told {
    match refusal {
        Refusal::Invalid(_) => told(400, Code::InvalidArgument),
        Refusal::Denied => told(403, Code::PermissionDenied),
        Refusal::NotFound | Refusal::Gone(_) => told(404, Code::NotFound),
        Refusal::Unsupported => told(405, Code::Unimplemented),
        Refusal::Behind => Told {
            http: 412,
            grpc: Code::Unavailable,
            retry: true,
        },
        Refusal::TooLarge(_) => told(413, Code::ResourceExhausted),
        Refusal::MediaType(_) => told(415, Code::InvalidArgument),
        Refusal::RateLimited(_) => Told {
            http: 429,
            grpc: Code::ResourceExhausted,
            retry: true,
        },
        Refusal::Sealed | Refusal::Unavailable(_) => BUSY,
        Refusal::Internal(_) => INTERNAL,
        Refusal::Txn(why) => of_txn(why),
        Refusal::Commit(CommitError::Txn(why)) => of_txn(why),
        Refusal::Commit(CommitError::Conflict | CommitError::Unavailable(_)) => BUSY,
        // It may have been done: whoever asked must look before asking again.
        Refusal::Commit(CommitError::Unknown(_)) => told(503, Code::Unknown),
    }
}

const fn of_txn(why: &TxnError) -> Told {
    match why {
        TxnError::Sealed => BUSY,
        TxnError::TooLarge(_) => told(413, Code::ResourceExhausted),
        TxnError::Storage(_) | TxnError::Corrupt(_) => INTERNAL,
    }
}

/// What is told in words; nothing where the status says it all. Our own faults are told by one fixed text.
pub(crate) fn message(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::NotFound | Refusal::Gone(_) => None,
        _ if of(refusal).http == 500 => Some("internal error".to_owned()),
        other => Some(other.to_string()),
    }
}

/// Writes what the answer must not say into the node's log.
pub(crate) fn log(refusal: &Refusal, request_id: &str) {
    if of(refusal).http != 500 {
        return;
    }
    match refusal {
        Refusal::Internal(what) => tracing::error!(request_id, what, "a request failed"),
        other => tracing::error!(request_id, error = %other, "a request failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_machine::StorageFault;

    #[test]
    fn the_table_is_what_clients_expect() {
        let text = || "t".to_owned();
        for (refusal, http, grpc, retry) in [
            (Refusal::Invalid(text()), 400, Code::InvalidArgument, false),
            (Refusal::Denied, 403, Code::PermissionDenied, false),
            (Refusal::NotFound, 404, Code::NotFound, false),
            (Refusal::Unsupported, 405, Code::Unimplemented, false),
            (Refusal::Behind, 412, Code::Unavailable, true),
            (
                Refusal::TooLarge(text()),
                413,
                Code::ResourceExhausted,
                false,
            ),
            (
                Refusal::MediaType(text()),
                415,
                Code::InvalidArgument,
                false,
            ),
            (
                Refusal::RateLimited(text()),
                429,
                Code::ResourceExhausted,
                true,
            ),
            (Refusal::Sealed, 503, Code::Unavailable, true),
            (Refusal::Unavailable(text()), 503, Code::Unavailable, true),
            (Refusal::Internal("x"), 500, Code::Internal, false),
            (TxnError::Sealed.into(), 503, Code::Unavailable, true),
            (
                TxnError::TooLarge("x").into(),
                413,
                Code::ResourceExhausted,
                false,
            ),
            (TxnError::Corrupt("x").into(), 500, Code::Internal, false),
            (CommitError::Conflict.into(), 503, Code::Unavailable, true),
            (
                CommitError::Unknown(text()).into(),
                503,
                Code::Unknown,
                false,
            ),
        ] {
            assert_eq!(of(&refusal), Told { http, grpc, retry }, "{refusal}");
        }
    }

    #[test]
    fn our_own_faults_are_told_by_one_text() {
        let fault: Refusal = TxnError::Storage(StorageFault("canary".to_owned())).into();
        assert_eq!(message(&fault).as_deref(), Some("internal error"));
        assert_eq!(
            message(&Refusal::Internal("canary")).as_deref(),
            Some("internal error")
        );
        assert_eq!(
            message(&Refusal::Denied).as_deref(),
            Some("permission denied")
        );
        assert_eq!(
            message(&Refusal::Sealed).as_deref(),
            Some("Vault is sealed")
        );
        assert_eq!(message(&Refusal::NotFound), None);
    }
}
