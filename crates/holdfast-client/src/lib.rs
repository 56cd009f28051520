//! The Rust SDK: speaks the Vault HTTP API to a Holdfast cluster, or to any server that is compatible with it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use holdfast_client::{Client, Token};
//!
//! let client = Client::builder()
//!     .addr("https://10.0.0.1:8200")
//!     .addr("https://10.0.0.2:8200")
//!     .ca_cert(std::fs::read("ca.pem")?)
//!     .token(Token::new(std::env::var("HOLDFAST_TOKEN")?))
//!     .build()?;
//! client.kv2("secret").put("app/db", &serde_json::json!({ "user": "app" }), None).await?;
//! let found = client.kv2("secret").get("app/db", None).await?;
//! # Ok(()) }
//! ```
//!
//! # What is promised
//! - Several addresses are tried in turn. A request is repeated only when the server did not carry it out (it could not be
//!   reached, or answered that nothing was done) or when repeating it is harmless (reads).
//! - Errors carry the status and the server's own words, never the token or a body. What holds secrets has no `Debug`.
//! - Redirects are followed once, never from TLS to plain HTTP.

mod builder;
mod client;
mod envelope;
mod error;
mod kv1;
mod kv2;
mod request;
mod retry;
mod send;
mod sys;
mod sys_types;
mod token;
mod token_auth;

pub use builder::{BuildError, ClientBuilder};
pub use client::Client;
pub use envelope::{Auth, Response, Secret};
pub use error::{CallError, ServerRefusal};
pub use kv1::Kv1;
pub use kv2::{Kv2, Version, VersionMetadata};
pub use request::{Consistency, Request};
pub use sys::Sys;
pub use sys_types::{Health, Initialized, Leader, Member, Mount, SealStatus};
pub use token::Token;
pub use token_auth::TokenAuth;
