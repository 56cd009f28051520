//! The Rust SDK: speaks HTTP to a Holdfast or Vault-compatible server.
