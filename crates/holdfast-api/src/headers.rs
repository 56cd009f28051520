//! What the request's headers say: token, namespace, freshness, media type. HTTP and gRPC metadata alike.

use crate::index;
use holdfast_barrier::Freshness;
use holdfast_contract::Refusal;
use holdfast_types::limits::TOKEN_BYTES_MAX;
use holdfast_types::parse_duration;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

const NAMESPACE_BYTES_MAX: usize = 1024;

/// The client's token.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let own = headers.get("x-vault-token");
    let bearer = || {
        let value = headers.get(AUTHORIZATION)?.as_bytes();
        let (scheme, rest) = value.split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then(|| HeaderValue::from_bytes(rest).ok())
            .flatten()
    };
    let Some(value) = own.cloned().or_else(bearer) else {
        return Ok(None);
    };
    if value.len() > TOKEN_BYTES_MAX {
        return Err(refuse("X-Vault-Token", "is too long"));
    }
    let text = value
        .to_str()
        .map_err(|_| refuse("X-Vault-Token", "has characters that no token has"))?;
    Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty()))
}

/// The namespace, without slashes around it; empty for the root.
pub(crate) fn namespace(headers: &HeaderMap) -> Result<String, Refusal> {
    let Some(value) = headers.get("x-vault-namespace") else {
        return Ok(String::new());
    };
    let text = value
        .to_str()
        .map_err(|_| refuse("X-Vault-Namespace", "has characters that no namespace has"))?;
    if text.len() > NAMESPACE_BYTES_MAX {
        return Err(refuse("X-Vault-Namespace", "is too long"));
    }
    Ok(text.trim().trim_matches('/').to_owned())
}

/// How fresh a read must be. `X-Holdfast-Consistency` says it outright. `X-Vault-Index` asks to see at least that index, which
/// `forward-active-node` widens to everything acknowledged. Nothing said is linearizable.
pub(crate) fn freshness(headers: &HeaderMap) -> Result<Freshness, Refusal> {
    let mut seen = None;
    for value in headers.get_all("x-vault-index") {
        let found = value.to_str().ok().and_then(index::decode);
        seen = seen.max(Some(found.ok_or_else(|| {
            refuse("X-Vault-Index", "was not given out by this cluster")
        })?));
    }
    let forward = match text(headers, "x-vault-inconsistent", "X-Vault-Inconsistent")? {
        None | Some("" | "fail" | "await-state") => false,
        Some("forward-active-node") => true,
        Some(_) => {
            return Err(refuse(
                "X-Vault-Inconsistent",
                "must be fail, await-state or forward-active-node",
            ));
        }
    };
    let wanted = text(headers, "x-holdfast-consistency", "X-Holdfast-Consistency")?
        .map(consistency)
        .transpose()?;
    Ok(match (wanted, seen) {
        (Some(Freshness::Linearizable), _) => Freshness::Linearizable,
        (_, Some(_)) if forward => Freshness::Linearizable,
        (_, Some(index)) => Freshness::AtLeast(index),
        (Some(wanted), None) => wanted,
        (None, None) => Freshness::Linearizable,
    })
}

fn consistency(value: &str) -> Result<Freshness, Refusal> {
    match value.trim() {
        "" | "linearizable" => return Ok(Freshness::Linearizable),
        "stale" => return Ok(Freshness::Stale),
        _ => {}
    }
    let age = value
        .trim()
        .strip_prefix("bounded=")
        .and_then(|age| parse_duration(age).ok());
    age.and_then(|age| u64::try_from(age.as_millis()).ok())
        .map(Freshness::BoundedMs)
        .ok_or_else(|| {
            refuse(
                "X-Holdfast-Consistency",
                "must be linearizable, stale or bounded=DURATION",
            )
        })
}

/// Refuses a request whose answer would have to be wrapped: giving it unwrapped would show what was to stay hidden.
pub(crate) fn refuse_wrapping(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, "x-vault-wrap-ttl", "X-Vault-Wrap-TTL")? {
        None | Some("" | "0" | "0s") => Ok(()),
        Some(_) => Err(refuse(
            "X-Vault-Wrap-TTL",
            "response wrapping is not available yet",
        )),
    }
}

/// PATCH takes a merge patch and says so.
pub(crate) fn require_merge_patch(headers: &HeaderMap) -> Result<(), Refusal> {
    if media_type(headers)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/merge-patch+json"))
    {
        return Ok(());
    }
    Err(Refusal::MediaType(
        "PATCH requires Content-Type: application/merge-patch+json".to_owned(),
    ))
}

/// The content type without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(CONTENT_TYPE)?
        .to_str()
        .ok()?
        .split(';')
        .next()
        .map(str::trim)
}

fn text<'a>(headers: &'a HeaderMap, name: &str, shown: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    value
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| refuse(shown, "has characters that are not text"))
}

fn refuse(header: &str, what: &str) -> Refusal {
    Refusal::Invalid(format!("header {header}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    fn fresh(pairs: &[(&'static str, &str)]) -> Option<Freshness> {
        freshness(&headers(pairs)).ok()
    }

    #[test]
    fn tokens_come_in_two_headers() {
        let found = |pairs: &[(&'static str, &str)]| token(&headers(pairs)).unwrap();
        assert_eq!(
            found(&[("x-vault-token", "hvs.a")]).as_deref(),
            Some("hvs.a")
        );
        assert_eq!(
            found(&[("authorization", "Bearer hvs.b")]).as_deref(),
            Some("hvs.b")
        );
        assert_eq!(
            found(&[("authorization", "bearer hvs.b")]).as_deref(),
            Some("hvs.b")
        );
        assert_eq!(
            found(&[("authorization", "Bearer b"), ("x-vault-token", "a")]).as_deref(),
            Some("a")
        );
        assert_eq!(found(&[("authorization", "Basic b")]), None);
        assert_eq!(found(&[("x-vault-token", "")]), None);
        assert!(token(&headers(&[("x-vault-token", &"a".repeat(9000))])).is_err());
        assert!(token(&headers(&[("x-vault-token", "é")])).is_err());
    }

    #[test]
    fn freshness_is_what_was_asked_and_never_less() {
        let seven = index::encode(7);
        let nine = index::encode(9);
        assert_eq!(fresh(&[]), Some(Freshness::Linearizable));
        assert_eq!(
            fresh(&[("x-vault-index", &nine), ("x-vault-index", &seven)]),
            Some(Freshness::AtLeast(9))
        );
        assert_eq!(
            fresh(&[("x-holdfast-consistency", "stale")]),
            Some(Freshness::Stale)
        );
        assert_eq!(
            fresh(&[("x-holdfast-consistency", "bounded=250ms")]),
            Some(Freshness::BoundedMs(250))
        );
        assert_eq!(
            fresh(&[
                ("x-vault-index", &seven),
                ("x-holdfast-consistency", "stale")
            ]),
            Some(Freshness::AtLeast(7))
        );
        assert_eq!(
            fresh(&[
                ("x-vault-index", &seven),
                ("x-holdfast-consistency", "linearizable")
            ]),
            Some(Freshness::Linearizable)
        );
        assert_eq!(
            fresh(&[
                ("x-vault-index", &seven),
                ("x-vault-inconsistent", "forward-active-node")
            ]),
            Some(Freshness::Linearizable)
        );
        for bad in [
            ("x-vault-index", "djE6YTpi"),
            ("x-vault-inconsistent", "maybe"),
            ("x-holdfast-consistency", "bounded"),
            ("x-holdfast-consistency", "bounded=-1s"),
        ] {
            assert_eq!(fresh(&[bad]), None, "{bad:?}");
        }
    }

    #[test]
    fn patch_needs_its_media_type() {
        for good in [
            "application/merge-patch+json",
            "Application/Merge-Patch+JSON; charset=utf-8",
        ] {
            assert!(
                require_merge_patch(&headers(&[("content-type", good)])).is_ok(),
                "{good}"
            );
        }
        for bad in ["application/json", ""] {
            let refused = require_merge_patch(&headers(&[("content-type", bad)]));
            assert!(matches!(refused, Err(Refusal::MediaType(_))), "{bad}");
        }
        assert!(require_merge_patch(&headers(&[])).is_err());
    }

    #[test]
    fn wrapping_is_refused_rather_than_ignored() {
        assert!(refuse_wrapping(&headers(&[("x-vault-wrap-ttl", "60")])).is_err());
        assert!(refuse_wrapping(&headers(&[("x-vault-wrap-ttl", "0")])).is_ok());
        assert!(refuse_wrapping(&headers(&[])).is_ok());
    }
}
