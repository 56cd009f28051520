//! Generated code of the wire contracts in `proto/`. Nothing here is written by hand; change the contract instead.

/// What nodes say to each other.
pub mod peer {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("holdfast.peer.v1");
    }
}

/// The public gRPC service, version 1.
pub mod v1 {
    tonic::include_proto!("holdfast.v1");
}
