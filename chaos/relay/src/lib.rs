//! A relay for datagrams between nodes: every directed link can be delayed, made lossy, or cut, and every packet can be read.
