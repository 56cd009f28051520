//! Secrets engines: KV v1, KV v2 and cubbyhole.
