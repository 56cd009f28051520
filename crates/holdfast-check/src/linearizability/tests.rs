//! Tests of linearizability and of the second algorithm against it.
