//! `holdfast operator`: what key holders and operators do.

use crate::failure::Failure;
use crate::input;
use crate::output::{remark, shown};
use crate::session::Session;
use clap::{Args, Subcommand};
use holdfast_client::{Client, Request, Response};
use serde_json::{Map, Value as Json, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(crate) enum Operator {
    Init(Init),
    Unseal(Unseal),
    /// Seal every node of the cluster. Stays so across restarts, until enough key holders open it.
    Seal,
    /// All nodes as the one asked knows them.
    Members,
    StepDown(StepDown),
}

/// Make the cluster's keys and shares. They are given out this once: keep them apart, with different people.
#[derive(Args)]
pub(crate) struct Init {
    /// Shares to make.
    #[arg(
        long,
        visible_alias = "key-shares",
        short = 'n',
        default_value_t = 5,
        value_name = "COUNT"
    )]
    shares: u8,
    /// Shares needed to open.
    #[arg(
        long,
        visible_alias = "key-threshold",
        short = 't',
        default_value_t = 3,
        value_name = "COUNT"
    )]
    threshold: u8,
    /// Write shares and root token to a new file, readable by you only, instead of printing them.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only say whether it was done.
    #[arg(long)]
    status: bool,
}

/// Give one share towards opening a node. With several addresses it is given to each of them.
#[derive(Args)]
pub(crate) struct Unseal {
    /// The share, or `-` for standard input. Asked for at a hidden prompt when absent, which keeps it out of the shell's history.
    share: Option<String>,
    /// Forget the shares given so far.
    #[arg(long, conflicts_with = "share")]
    reset: bool,
}

/// Make the leader give up leadership.
#[derive(Args)]
pub(crate) struct StepDown {
    /// Number of the node that should lead next; the most caught-up one if absent.
    #[arg(long, value_name = "NODE")]
    to: Option<u64>,
}

impl Operator {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::Init(init) if init.status => init_status(at).await,
            Self::Init(init) => init.run(at).await,
            Self::Unseal(unseal) => unseal.run(at).await,
            Self::Seal => {
                at.call(Request::post("sys/seal", json!({}))).await?;
                at.out
                    .done("Sealed. Every node forgets its keys as it learns of this; one that is away does so when it comes back.")
            }
            Self::Members => members(at).await,
            Self::StepDown(step_down) => {
                let body = step_down
                    .to
                    .map_or_else(|| json!({}), |to| json!({ "node_id": to }));
                at.call(Request::post("sys/step-down", body)).await?;
                at.out.done("The leader gave up leadership.")
            }
        }
    }
}

async fn init_status(at: &Session) -> Result<(), Failure> {
    let body = at
        .call(Request::get("sys/init"))
        .await?
        .body
        .unwrap_or_default();
    if at.out.is_json() {
        return at.out.json(&body);
    }
    let done = body
        .get("initialized")
        .and_then(Json::as_bool)
        .unwrap_or(false);
    at.out.line(if done {
        "The cluster is initialised."
    } else {
        "The cluster is not initialised."
    })
}

impl Init {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        // The file comes first: keys that cannot be kept should not be made.
        let file = self.out.as_deref().map(NewFile::create).transpose()?;
        let body = json!({ "secret_shares": self.shares, "secret_threshold": self.threshold });
        let made = match at.call(Request::post("sys/init", body)).await {
            Ok(response) => response.body.unwrap_or_default(),
            Err(failure) => {
                if let Some(file) = file {
                    file.remove();
                }
                return Err(failure);
            }
        };
        match file {
            None if at.out.is_json() => at.out.json(&made),
            None => print(at, &made, self.threshold),
            Some(file) => {
                let path = file.path.clone();
                if let Err(error) = file.fill(&format!("{made:#}\n")) {
                    remark(&format!(
                        "error: cannot write {}: {error}\nThe keys exist only here; keep them:",
                        path.display()
                    ));
                    at.out.json(&made)?;
                    return Err(Failure::local(""));
                }
                at.out.done(&format!(
                    "Initialised: {} shares, {} open it. Shares and root token are in {}. Give the shares to their holders and delete the file.",
                    self.shares,
                    self.threshold,
                    path.display()
                ))
            }
        }
    }
}

fn print(at: &Session, made: &Json, threshold: u8) -> Result<(), Failure> {
    let shares = made
        .get("keys_base64")
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    for (number, share) in shares.iter().enumerate() {
        at.out
            .line(&format!("Share {}: {}", number + 1, shown(share)))?;
    }
    at.out.line(&format!(
        "\nRoot token: {}",
        made.get("root_token").map(shown).unwrap_or_default()
    ))?;
    at.out.line(&format!(
        "\nThis is shown once. Any {threshold} of these shares open the cluster, fewer tell nothing: keep them apart, with different people.\nNext: holdfast operator unseal"
    ))
}

/// A file that did not exist before, for its owner only.
struct NewFile {
    path: PathBuf,
    file: File,
}

impl NewFile {
    fn create(path: &Path) -> Result<Self, Failure> {
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let file = created.map_err(|error| {
            Failure::because(&format!("cannot create {}", path.display()), &error)
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn fill(mut self, text: &str) -> std::io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()
    }

    fn remove(self) {
        // It is empty: nothing is lost if it stays.
        drop(std::fs::remove_file(&self.path));
    }
}

impl Unseal {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        let body = if self.reset {
            json!({ "reset": true })
        } else {
            let share = input::secret(self.share.as_deref(), "Share (hidden): ")?;
            json!({ "key": share.as_str() })
        };
        let nodes = at.each_node()?;
        let mut first_failure = None;
        let mut rows = Vec::new();
        for (address, client) in &nodes {
            match give(client, &body).await {
                Ok(response) if at.out.is_json() => at.out.body(response.body.as_ref())?,
                Ok(response) => rows.push(row(address, &response.body.unwrap_or_default())),
                Err(failure) => {
                    if nodes.len() > 1 {
                        remark(&format!("{address}: {}", failure.text));
                    }
                    first_failure.get_or_insert(failure);
                }
            }
        }
        if !rows.is_empty() {
            at.out.table(&["Node", "Sealed", "Shares given"], &rows)?;
        }
        first_failure.map_or(Ok(()), Err)
    }
}

async fn give(client: &Client, body: &Json) -> Result<Response, Failure> {
    Ok(client
        .call(Request::post("sys/unseal", body.clone()))
        .await?)
}

fn row(address: &str, status: &Json) -> Vec<String> {
    let text = |name: &str| status.get(name).map(shown).unwrap_or_default();
    let sealed = status.get("sealed").and_then(Json::as_bool).unwrap_or(true);
    let progress = if sealed {
        format!("{} of {}", text("progress"), text("t"))
    } else {
        "open".to_owned()
    };
    vec![address.to_owned(), sealed.to_string(), progress]
}

async fn members(at: &Session) -> Result<(), Failure> {
    let response = at.call(Request::get("sys/ha-status")).await?;
    if at.out.is_json() {
        return at.out.body(response.body.as_ref());
    }
    let body = response.body.unwrap_or_default();
    let nodes = body
        .get("nodes")
        .or_else(|| body.get("data")?.get("nodes"))
        .and_then(Json::as_array);
    let rows: Vec<Vec<String>> = nodes
        .into_iter()
        .flatten()
        .filter_map(Json::as_object)
        .map(member_row)
        .collect();
    at.out.table(
        &[
            "Node",
            "Role",
            "API address",
            "Peer address",
            "Region",
            "Replicated",
            "Last heard",
        ],
        &rows,
    )
}

fn member_row(member: &Map<String, Json>) -> Vec<String> {
    let text = |name: &str| member.get(name).filter(|value| !value.is_null()).map(shown);
    let is = |name: &str| member.get(name).and_then(Json::as_bool);
    let role = match (is("active_node"), is("voter")) {
        (Some(true), _) => "leader",
        (_, Some(false)) => "learner",
        _ => "follower",
    };
    vec![
        text("node_id")
            .or_else(|| text("hostname"))
            .unwrap_or_default(),
        role.to_owned(),
        text("api_address").unwrap_or_default(),
        text("cluster_address").unwrap_or_default(),
        text("region").unwrap_or_default(),
        text("matched_index").unwrap_or_default(),
        text("last_contact_ms")
            .map(|ms| format!("{ms} ms ago"))
            .unwrap_or_default(),
    ]
}
