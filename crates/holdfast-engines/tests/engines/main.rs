//! The engines through their route tables, over a barrier and a replica in memory.

mod cubbyhole;
mod fixture;
mod kv_v1;
mod kv_v2;
mod kv_v2_metadata;
mod kv_v2_model;
