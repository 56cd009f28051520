//! The one binary: server, dev cluster, operator and client commands.

fn main() {}
