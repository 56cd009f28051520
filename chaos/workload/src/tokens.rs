//! Tokens in play: trees of them, and the ended ones, which are used on to see that nobody takes them any more.

use crate::sample::Sample;
use crate::secret::Secret;
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tokens that ended lately and are still tried.
const LATELY_MAX: usize = 64;
/// Tokens of the whole run that ended and are still tried.
const LONG_AGO_MAX: usize = 64;
/// Deepest generation that gets children.
const DEPTH_MAX: u32 = 4;
/// Texts kept as canaries.
const TEXTS_MAX: usize = 2_048;
/// Of so many makings of a token one is asked for by a token that has ended.
const BY_ENDED: u64 = 8;

/// One token.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) label: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) depth: u32,
    pub(crate) secret: Secret,
    pub(crate) accessor: String,
}

struct Book {
    live: Vec<Token>,
    lately: VecDeque<Token>,
    long_ago: Sample<Token>,
    texts: Sample<Secret>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            live: Vec::new(),
            lately: VecDeque::new(),
            long_ago: Sample::of(LONG_AGO_MAX),
            texts: Sample::of(TEXTS_MAX),
        }
    }
}

impl Book {
    /// One of those that ended: lately, or at any time.
    fn ended(&mut self, pick: u64) -> Option<Token> {
        match pick % 2 {
            0 => chosen(self.lately.make_contiguous(), pick / 2),
            _ => chosen(&self.long_ago.kept, pick / 2).or_else(|| self.ended(pick - 1)),
        }
    }
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

    /// The token that shall make another, now and then an ended one, which must not; `None` for the root token.
    pub(crate) fn parent(&self, pick: u64) -> Option<Token> {
        let mut book = self.book.lock();
        let rest = pick / 3;
        let parent = match pick % 3 {
            0 => None,
            _ if rest.is_multiple_of(BY_ENDED) => book.ended(rest / BY_ENDED),
            _ => chosen(&book.live, rest),
        };
        parent.filter(|token| token.depth < DEPTH_MAX)
    }

    /// A token to use: one of four is an ended one.
    pub(crate) fn usable(&self, pick: u64) -> Option<Token> {
        let mut book = self.book.lock();
        let ended = pick.is_multiple_of(4).then(|| book.ended(pick / 4));
        ended.flatten().or_else(|| chosen(&book.live, pick / 4))
    }

    /// A token to end.
    pub(crate) fn live(&self, pick: u64) -> Option<Token> {
        chosen(&self.book.lock().live, pick)
    }

    pub(crate) fn add(&self, token: Token) {
        let mut book = self.book.lock();
        book.texts.add(token.secret.clone());
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
        book.lately.extend(gone);
        while book.lately.len() > LATELY_MAX {
            let Some(oldest) = book.lately.pop_front() else {
                break;
            };
            book.long_ago.add(oldest);
        }
    }

    /// So many at most: of those in play and of those ended each a half, or more where there are fewer of the other.
    pub(crate) fn sample(&self, most: usize) -> Vec<Token> {
        let book = self.book.lock();
        let all_ended: Vec<&Token> = book.long_ago.kept.iter().chain(&book.lately).collect();
        let (live, ended) = (book.live.len(), all_ended.len());
        let of_live = live.min((most / 2).max(most.saturating_sub(ended)));
        let of_ended = ended.min(most - of_live);
        let some_live = spread(live, of_live).map(|at| &book.live[at]);
        let some_ended = spread(ended, of_ended).map(|at| all_ended[at]);
        some_live.chain(some_ended).cloned().collect()
    }

    pub(crate) fn count(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The texts of two thousand of the whole run, without what all tokens begin with.
    pub(crate) fn canaries(&self) -> Vec<Vec<u8>> {
        let book = self.book.lock();
        book.texts.kept.iter().map(canary).collect()
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
    fn the_ended_are_asked_for_more_and_those_of_long_ago_are_among_them() {
        let tokens = Tokens::new(10);
        for label in 0..500 {
            tokens.add(token(label, None));
            tokens.end(label);
        }
        tokens.add(token(1_000, None));
        let parents = || (0..10_000).filter_map(|pick| tokens.parent(pick));
        assert!(parents().any(|token| token.label == 1_000));
        assert!(parents().any(|token| (436..500).contains(&token.label)));
        assert!(parents().any(|token| token.label < 436));
        let used = || (0..10_000).filter_map(|pick| tokens.usable(pick));
        assert!(used().any(|token| token.label < 436));
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
        assert_eq!(labels(book.lately.iter().collect()), [0, 1, 3]);
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
