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

    /// So many at most: of those in play and of those ended lately each a half, or more where there are fewer of the other.
    pub(crate) fn sample(&self, most: usize) -> Vec<Token> {
        let book = self.book.lock();
        let (live, ended) = (book.live.len(), book.ended.len());
        let of_live = live.min((most / 2).max(most.saturating_sub(ended)));
        let of_ended = ended.min(most - of_live);
        let some_live = spread(live, of_live).map(|at| &book.live[at]);
        let some_ended = spread(ended, of_ended).map(|at| &book.ended[at]);
        some_live.chain(some_ended).cloned().collect()
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

/// So many places of a list, as far apart as they can be: old ones and new ones.
fn spread(length: usize, wanted: usize) -> impl Iterator<Item = usize> {
    (0..wanted).map(move |at| at * length / wanted)
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
    fn a_sample_has_of_those_in_play_and_of_the_ended() {
        let tokens = Tokens::new(200);
        let sample = |most| -> (Vec<u64>, Vec<u64>) {
            let labels = tokens.sample(most).into_iter().map(|token| token.label);
            labels.partition(|label| *label >= 100)
        };
        assert_eq!(sample(8), (vec![], vec![]));
        for label in 0..20 {
            tokens.add(token(label, None));
            tokens.end(label);
        }
        assert_eq!(sample(4), (vec![], vec![0, 5, 10, 15]));
        for label in 100..110 {
            tokens.add(token(label, None));
        }
        assert_eq!(sample(4), (vec![100, 105], vec![0, 10]));
        let few_in_play = sample(24);
        assert_eq!((few_in_play.0.len(), few_in_play.1.len()), (10, 14));
        let few_ended = sample(1_000);
        assert_eq!((few_ended.0.len(), few_ended.1.len()), (10, 20));
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
