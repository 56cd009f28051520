//! What came of one exchange: nothing sent, no answer, or an answer.

use crate::index::Index;
use holdfast_check::Seen;
use serde_json::Value as Json;

/// One exchange.
pub(crate) enum Exchange {
    /// There was no connection: nothing was sent.
    NotSent,
    /// It was sent, or may have been, and no whole answer came.
    Lost,
    /// It was answered.
    Answered(Answer),
}

/// An answer read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether `Retry-After` came with it: the promise that nothing was done.
    pub(crate) retry_after: bool,
    pub(crate) index: Option<Index>,
    pub(crate) age_ms: Option<u64>,
    /// Null when there is none or it is no JSON.
    pub(crate) body: Json,
}

impl Answer {
    /// Whether one of its error texts is, or holds, these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        let errors = self.body.get("errors").and_then(Json::as_array);
        errors
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .any(|text| text.contains(words))
    }

    /// What its headers show.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            index: self.index.as_ref().map(|index| index.number),
            age_ms: self.age_ms,
            ..Seen::default()
        }
    }

    /// `None` when the exchange has no answer.
    pub(crate) const fn of(exchange: &Exchange) -> Option<&Self> {
        match exchange {
            Exchange::Answered(answer) => Some(answer),
            Exchange::NotSent | Exchange::Lost => None,
        }
    }
}
