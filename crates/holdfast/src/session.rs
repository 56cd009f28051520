//! A client made of flags, environment and the token file, in this order.

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::{Output, remark};
use crate::token_file;
use holdfast_client::{Client, Request, Response, Token};
use std::path::PathBuf;

const DEFAULT_ADDR: &str = "https://127.0.0.1:8200";

/// Where a command talks to and how it prints.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Output,
    settings: Settings,
}

/// What flags and environment say.
struct Settings {
    addresses: Vec<String>,
    token: Option<Token>,
    namespace: String,
    ca_pem: Option<Vec<u8>>,
    skip_verify: bool,
}

impl Session {
    /// Reads flags and environment. Connects to nothing yet.
    pub(crate) fn open(global: Global) -> Result<Self, Failure> {
        let out = Output::new(global.wants_json());
        let settings = Settings::gather(global, &|name| std::env::var(name).ok())?;
        let client = settings.client(&settings.addresses)?;
        Ok(Self {
            client,
            out,
            settings,
        })
    }

    /// One client for each address, for what goes to every node.
    pub(crate) fn each_node(&self) -> Result<Vec<(String, Client)>, Failure> {
        let one = |address: &String| {
            Ok((
                address.clone(),
                self.settings.client(std::slice::from_ref(address))?,
            ))
        };
        self.settings.addresses.iter().map(one).collect()
    }

    /// Calls, and shows the server's warnings.
    pub(crate) async fn call(&self, request: Request) -> Result<Response, Failure> {
        let response = self.client.call(request).await?;
        let warnings = response
            .body
            .as_ref()
            .and_then(|body| body.get("warnings"))
            .and_then(|list| list.as_array());
        for warning in warnings
            .into_iter()
            .flatten()
            .filter_map(|warning| warning.as_str())
        {
            remark(&format!("warning: {warning}"));
        }
        Ok(response)
    }
}

impl Settings {
    fn gather(global: Global, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let either = |name: &str| {
            let own = env(&format!("HOLDFAST_{name}"));
            own.or_else(|| env(&format!("VAULT_{name}")))
                .filter(|value| !value.is_empty())
        };
        let mut addresses = global.addr;
        if addresses.is_empty() {
            let named = either("ADDR").unwrap_or_else(|| DEFAULT_ADDR.to_owned());
            addresses = named
                .split(',')
                .map(|address| address.trim().to_owned())
                .collect();
        }
        let ca_file = global
            .ca_cert
            .or_else(|| either("CACERT").map(PathBuf::from));
        let ca_pem = ca_file
            .map(|path| {
                std::fs::read(&path).map_err(|error| {
                    Failure::because(&format!("cannot read {}", path.display()), &error)
                })
            })
            .transpose()?;
        let skip_verify = global.skip_verify
            || either("SKIP_VERIFY").is_some_and(|value| {
                matches!(value.to_ascii_lowercase().as_str(), "1" | "t" | "true")
            });
        let kept = || token_file::read(&PathBuf::from(env("HOME")?));
        let token = global
            .token
            .or_else(|| either("TOKEN"))
            .map(Token::new)
            .or_else(kept);
        Ok(Self {
            addresses,
            token,
            namespace: global
                .namespace
                .or_else(|| either("NAMESPACE"))
                .unwrap_or_default(),
            ca_pem,
            skip_verify,
        })
    }

    fn client(&self, addresses: &[String]) -> Result<Client, Failure> {
        let mut builder = Client::builder()
            .addrs(addresses.iter().cloned())
            .namespace(self.namespace.as_str())
            .skip_verify(self.skip_verify);
        if let Some(token) = &self.token {
            builder = builder.token(token.clone());
        }
        if let Some(pem) = &self.ca_pem {
            builder = builder.ca_cert(pem.clone());
        }
        Ok(builder.build()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn gathered(flags: &[&str], env: &[(&str, &str)]) -> Settings {
        let mut line = vec!["holdfast", "status"];
        line.extend(flags);
        let global = Cli::try_parse_from(line).ok().unwrap().global;
        let lookup = |name: &str| {
            env.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Settings::gather(global, &lookup).ok().unwrap()
    }

    #[test]
    fn flags_come_before_own_variables_before_vaults() {
        let env = [
            ("VAULT_ADDR", "http://v"),
            ("HOLDFAST_ADDR", "http://a, http://b"),
            ("VAULT_TOKEN", "vt"),
        ];
        assert_eq!(gathered(&[], &env).addresses, ["http://a", "http://b"]);
        assert_eq!(
            gathered(&["--addr", "http://f"], &env).addresses,
            ["http://f"]
        );
        assert_eq!(gathered(&[], &env[..1]).addresses, ["http://v"]);
        assert_eq!(gathered(&[], &[]).addresses, [DEFAULT_ADDR]);
        assert_eq!(gathered(&[], &env).token.unwrap().expose(), "vt");
        assert_eq!(
            gathered(&["--token", "ft"], &env).token.unwrap().expose(),
            "ft"
        );
        assert!(gathered(&[], &[("VAULT_SKIP_VERIFY", "true")]).skip_verify);
        assert!(!gathered(&[], &[("VAULT_SKIP_VERIFY", "0")]).skip_verify);
        assert_eq!(gathered(&[], &[("VAULT_NAMESPACE", "n")]).namespace, "n");
    }
}
