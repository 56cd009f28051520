//! What commands take in: `key=value` pairs, files, standard input, hidden prompts. No complaint repeats a value.

use crate::failure::Failure;
use serde_json::{Map, Value as Json};
use std::io::{IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Largest file or standard input taken, in bytes: the server takes no larger body.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Everything on standard input.
pub(crate) fn stdin_text() -> Result<Zeroizing<String>, Failure> {
    text_of(std::io::stdin().lock(), "standard input")
}

/// A file's text.
pub(crate) fn file_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let shown = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::because(&format!("cannot read {shown}"), &error))?;
    text_of(file, &shown)
}

fn text_of(from: impl Read, name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = from.take(BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::because(&format!("cannot read {name}"), &error))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Failure::local(format!("{name} is larger than 32 MiB")));
    }
    Ok(text)
}

/// A secret given as an argument, from standard input (`-`), or typed at a prompt that shows nothing.
pub(crate) fn secret(given: Option<&str>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let secret = match given {
        Some("-") => stdin_text()?,
        Some(given) => Zeroizing::new(given.to_owned()),
        None if std::io::stdin().is_terminal() => {
            let typed = rpassword::prompt_password(prompt);
            Zeroizing::new(
                typed.map_err(|error| Failure::because("cannot read what was typed", &error))?,
            )
        }
        None => {
            return Err(Failure::local(
                "nothing to read it from: give it on standard input with `-`",
            ));
        }
    };
    let trimmed = Zeroizing::new(secret.trim().to_owned());
    if trimmed.is_empty() {
        Err(Failure::local("nothing was given"))
    } else {
        Ok(trimmed)
    }
}

/// An object from arguments: `key=value`, `key=@file`, `key=-` (standard input), `@file.json`, or `-` for JSON on standard
/// input. `\@` begins a value with a literal `@`. A key given more than once makes a list.
pub(crate) fn object(args: &[String]) -> Result<Map<String, Json>, Failure> {
    Builder {
        read_stdin: stdin_text,
        stdin_used: false,
    }
    .object(args)
}

struct Builder<F> {
    read_stdin: F,
    stdin_used: bool,
}

impl<F: Fn() -> Result<Zeroizing<String>, Failure>> Builder<F> {
    fn object(&mut self, args: &[String]) -> Result<Map<String, Json>, Failure> {
        let mut object = Map::new();
        for (at, arg) in args.iter().enumerate() {
            if arg == "-" {
                object.extend(parsed(&self.stdin()?, "standard input")?);
            } else if let Some(path) = arg.strip_prefix('@') {
                object.extend(parsed(&file_text(Path::new(path))?, path)?);
            } else {
                let pair = arg.split_once('=').filter(|(key, _)| !key.is_empty());
                let (key, value) = pair.ok_or_else(|| {
                    Failure::local(format!(
                        "argument {} is not of the form key=value, @file or -",
                        at + 1
                    ))
                })?;
                let value = self.value(value)?;
                add(&mut object, key, value);
            }
        }
        Ok(object)
    }

    fn value(&mut self, value: &str) -> Result<Json, Failure> {
        let text = match value {
            "-" => self.stdin()?.to_string(),
            _ => match value.strip_prefix('@') {
                Some(path) => file_text(Path::new(path))?.to_string(),
                None if value.starts_with("\\@") => value.replacen('\\', "", 1),
                None => value.to_owned(),
            },
        };
        Ok(Json::String(text))
    }

    fn stdin(&mut self) -> Result<Zeroizing<String>, Failure> {
        if std::mem::replace(&mut self.stdin_used, true) {
            return Err(Failure::local("standard input can be read once only"));
        }
        (self.read_stdin)()
    }
}

fn add(object: &mut Map<String, Json>, key: &str, value: Json) {
    match object.get_mut(key) {
        None => {
            object.insert(key.to_owned(), value);
        }
        Some(Json::Array(list)) => list.push(value),
        Some(one) => *one = Json::Array(vec![one.take(), value]),
    }
}

/// A JSON object; the complaint names the place only.
fn parsed(text: &str, name: &str) -> Result<Map<String, Json>, Failure> {
    serde_json::from_str(text).map_err(|why| {
        Failure::local(format!(
            "{name} is not a JSON object, at line {} column {}",
            why.line(),
            why.column()
        ))
    })
}

/// `key=value` pairs of plain text, such as options.
pub(crate) fn text_pairs(pairs: &[String], flag: &str) -> Result<Map<String, Json>, Failure> {
    let split = |pair: &String| {
        let (key, value) = pair.split_once('=').filter(|(key, _)| !key.is_empty())?;
        Some((key.to_owned(), Json::from(value)))
    };
    let refused = || Failure::local(format!("{flag} takes key=value"));
    pairs
        .iter()
        .map(|pair| split(pair).ok_or_else(refused))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(args: &[&str], stdin: &'static str) -> Result<Map<String, Json>, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut builder = Builder {
            read_stdin: || Ok(Zeroizing::new(stdin.to_owned())),
            stdin_used: false,
        };
        builder.object(&args).map_err(|failure| failure.text)
    }

    #[test]
    fn takes_vaults_forms() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, r#"{"n": 1.10}"#).unwrap();
        let at = file.display().to_string();
        let pair = format!("k=@{at}");
        let object = built(
            &[
                "a=b=c",
                &pair,
                &format!("@{at}"),
                "l=1",
                "l=2",
                "lit=\\@x",
                "s=-",
            ],
            "in\n",
        )
        .unwrap();
        assert_eq!(
            Json::Object(object).to_string(),
            r#"{"a":"b=c","k":"{\"n\": 1.10}","n":1.10,"l":["1","2"],"lit":"@x","s":"in\n"}"#
        );
        assert_eq!(
            built(&["-"], r#"{"x": {"y": null}}"#).unwrap()["x"]["y"],
            Json::Null
        );
    }

    #[test]
    fn complaints_show_no_value() {
        for args in [&["canary"][..], &["=canary"], &["-", "k=-"], &["-"]] {
            let text = built(args, "canary").unwrap_err();
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn secrets_given_are_trimmed_and_never_empty() {
        assert_eq!(secret(Some(" share\n"), "").ok().unwrap().as_str(), "share");
        assert!(secret(Some("  "), "").is_err());
    }
}
