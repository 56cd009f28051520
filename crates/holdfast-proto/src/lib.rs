//! Generated code of the wire contracts in `proto/`.
