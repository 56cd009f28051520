//! Raft consensus: propose, read index, membership, leader transfer.
