//! Tokens in play: trees of them, and the ended ones, which are used on to see that nobody takes them any more.

use crate::secret::Secret;
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ended tokens that are still tried.
const ENDED_MAX: usize = 128;
/// Deepest generation that gets children.
const DEPTH_MAX: u32 = 4;
/// Texts kept as canaries.
const TEXTS_MAX: usize = 2_048;

/// One token.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) label: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) depth: u32,
    pub(crate) secret: Secret,
    pub(crate) accessor: String,
}

#[derive(Default)]
struct Book {
    live: Vec<Token>,
    ended: VecDeque<Token>,
    texts: Vec<Secret>,
}

/// All tokens.
pub(crate) struct Tokens {
    book: Mutex<Book>,
    next: AtomicU64,
    live_max: usize,
}

impl Tokens {
    pub(crate) fn new(live_max: usize) -> Self {
        Self {
            book: Mutex::default(),
            next: AtomicU64::new(0),
            live_max,
        }
    }

    /// A label that no token has.
    pub(crate) fn label(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.book.lock().live.len() >= self.live_max
    }

    /// The token that shall make another; `None` for the root token.
    pub(crate) fn parent(&self, pick: u64) -> Option<Token> {
        if pick.is_multiple_of(3) {
            return None;
        }
        chosen(&self.book.lock().live, pick / 3).filter(|token| token.depth < DEPTH_MAX)
    }

    /// A token to use: one of four is an ended one.
    pub(crate) fn usable(&self, pick: u64) -> Option<Token> {
        let mut book = self.book.lock();
        if pick.is_multiple_of(4) && !book.ended.is_empty() {
            return chosen(book.ended.make_contiguous(), pick / 4);
        }
        chosen(&book.live, pick / 4)
    }

    /// A token to end.
    pub(crate) fn live(&self, pick: u64) -> Option<Token> {
        chosen(&self.book.lock().live, pick)
    }

    pub(crate) fn add(&self, token: Token) {
        let mut book = self.book.lock();
        if book.texts.len() < TEXTS_MAX {
            book.texts.push(token.secret.clone());
        }
        book.live.push(token);
    }

    /// A token's end is about to be asked for: neither it nor any below makes another from now on.
    pub(crate) fn end(&self, label: u64) {
        let mut book = self.book.lock();
        let mut ending = BTreeSet::from([label]);
        // Parents are older than their children, and stand before them.
        let (gone, live): (Vec<Token>, Vec<Token>) = book.live.drain(..).partition(|token| {
            let ends =
                token.label == label || token.parent.is_some_and(|parent| ending.contains(&parent));
            if ends {
                ending.insert(token.label);
            }
            ends
        });
        book.live = live;
        book.ended.extend(gone);
        while book.ended.len() > ENDED_MAX {
            book.ended.pop_front();
        }
    }

    /// Those in play and those ended lately.
    pub(crate) fn all(&self) -> Vec<Token> {
        let book = self.book.lock();
        book.live.iter().chain(&book.ended).cloned().collect()
    }

    pub(crate) fn count(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The texts of the first two thousand, without what all tokens begin with.
    pub(crate) fn canaries(&self) -> Vec<Vec<u8>> {
        let book = self.book.lock();
        book.texts.iter().map(canary).collect()
    }
}

/// What is secret of a token's text: what follows the prefix.
pub(crate) fn canary(token: &Secret) -> Vec<u8> {
    let text = token.expose();
    let body = text.split_once('.').map_or(text, |(_, body)| body);
    body.as_bytes().to_vec()
}

fn chosen(tokens: &[Token], pick: u64) -> Option<Token> {
    let length = u64::try_from(tokens.len())
        .ok()
        .filter(|length| *length > 0)?;
    tokens.get(usize::try_from(pick % length).ok()?).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(label: u64, parent: Option<u64>) -> Token {
        Token {
            label,
            parent,
            depth: 0,
            secret: Secret::new(format!("hvs.text{label}")),
            accessor: String::new(),
        }
    }

    #[test]
    fn an_end_takes_all_below_and_nothing_else() {
        let tokens = Tokens::new(10);
        for (label, parent) in [
            (0, None),
            (1, Some(0)),
            (2, None),
            (3, Some(1)),
            (4, Some(2)),
        ] {
            tokens.add(token(label, parent));
        }
        tokens.end(0);
        let book = tokens.book.lock();
        let labels =
            |tokens: Vec<&Token>| tokens.iter().map(|token| token.label).collect::<Vec<_>>();
        assert_eq!(labels(book.live.iter().collect()), [2, 4]);
        assert_eq!(labels(book.ended.iter().collect()), [0, 1, 3]);
        drop(book);
        assert_eq!(tokens.canaries()[4], b"text4");
        assert!((0..20).all(|pick| {
            tokens
                .live(pick)
                .is_some_and(|token| [2, 4].contains(&token.label))
        }));
        assert!(
            tokens
                .usable(0)
                .is_some_and(|token| ![2, 4].contains(&token.label))
        );
    }
}
