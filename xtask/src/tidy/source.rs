//! Takes Rust text apart: code without comments and literals, and comments without code, so that a rule about
//! code is not set off by a string that mentions it.
//!
//! Invariant: both have the text's lines, so a position in either is a position in the file.

/// Rust text, apart. What is not code (or not comment) is blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) code: String,
    pub(crate) comments: String,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
            code: String::with_capacity(text.len()),
            comments: String::with_capacity(text.len()),
        };
        reader.run();
        Self {
            code: reader.code,
            comments: reader.comments,
        }
    }

    /// The code's lines that are not inside an inline `#[cfg(test)] mod … { … }`.
    pub(crate) fn lines_outside_tests(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().collect();
        let mut count = 0;
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let opens = line.trim() == "#[cfg(test)]" && self.opens_module(&lines, at + 1);
            if !opens {
                count += 1;
                at += 1;
                continue;
            }
            let mut depth = 0_usize;
            loop {
                let Some(inside) = lines.get(at) else {
                    return count;
                };
                at += 1;
                let opened = inside.matches('{').count();
                let closed = inside.matches('}').count();
                depth = (depth + opened).saturating_sub(closed);
                if depth == 0 && (opened > 0 || closed > 0) {
                    break;
                }
            }
        }
        count
    }

    fn opens_module(&self, lines: &[&str], from: usize) -> bool {
        let next = lines.iter().skip(from).map(|line| line.trim());
        let mut next = next.skip_while(|line| line.is_empty() || line.starts_with("#["));
        next.next()
            .is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    code: String,
    comments: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Reader {
    fn run(&mut self) {
        while let Some(char) = self.peek(0) {
            match char {
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.quoted(),
                'r' if self.raw_hashes().is_some() && !self.in_word() => self.raw(),
                '\'' => self.quote(),
                _ => self.take(Kind::Code),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// True after a letter: the `r` of `for"` does not open a raw string, that of `br"` does.
    fn in_word(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.chars.get(at));
        let word = |char: Option<&char>| char.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        match before(1) {
            Some('b' | 'c') => word(before(2)),
            other => word(other),
        }
    }

    fn take(&mut self, kind: Kind) {
        let Some(char) = self.peek(0) else { return };
        self.at += 1;
        let (code, comment) = match (kind, char) {
            (_, '\n') => ('\n', '\n'),
            (Kind::Code, _) => (char, ' '),
            (Kind::Comment, _) => (' ', char),
            (Kind::Literal, _) => (' ', ' '),
        };
        self.code.push(code);
        self.comments.push(comment);
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|char| char != '\n') {
            self.take(Kind::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.take(Kind::Comment);
                    continue;
                }
            }
            self.take(Kind::Comment);
            self.take(Kind::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self) {
        self.take(Kind::Literal);
        while let Some(char) = self.peek(0) {
            self.take(Kind::Literal);
            match char {
                '\\' => self.take(Kind::Literal),
                '"' => return,
                _ => {}
            }
        }
    }

    /// The number of hashes of the raw string that starts here.
    fn raw_hashes(&self) -> Option<usize> {
        let hashes = (1..)
            .take_while(|ahead| self.peek(*ahead) == Some('#'))
            .count();
        (self.peek(hashes + 1) == Some('"')).then_some(hashes)
    }

    fn raw(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        for _ in 0..hashes + 2 {
            self.take(Kind::Literal);
        }
        while let Some(char) = self.peek(0) {
            let closes = char == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            self.take(Kind::Literal);
            if closes {
                for _ in 0..hashes {
                    self.take(Kind::Literal);
                }
                return;
            }
        }
    }

    /// A character literal or the start of a lifetime.
    fn quote(&mut self) {
        let literal = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.take(Kind::Code);
        if !literal {
            return;
        }
        if self.peek(0) == Some('\\') {
            self.take(Kind::Literal);
        }
        self.take(Kind::Literal);
        while self
            .peek(0)
            .is_some_and(|char| char != '\'' && char != '\n')
        {
            self.take(Kind::Literal);
        }
        self.take(Kind::Code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_not_code() {
        let text =
            "let a = \"unsafe \\\" x\"; // unsafe\nlet b = r#\"un\"safe\"#; /* a /* b */ c */ end";
        let source = Source::read(text);
        assert!(!source.code.contains("safe"), "{}", source.code);
        assert!(source.code.contains("let b =") && source.code.ends_with(" end"));
        assert!(source.comments.contains("// unsafe") && source.comments.contains("/* b */ c */"));
        assert_eq!(source.code.len(), text.len());
    }

    #[test]
    fn quotes_in_characters_and_lifetimes_do_not_open_strings() {
        let text = "fn f<'a>(x: &'a str) { x == '\"' || x == '\\'' || b'\\\\' } // end";
        let source = Source::read(text);
        assert!(source.code.contains("&'a str"), "{}", source.code);
        assert_eq!(source.comments.trim(), "// end");
        let source = Source::read("for\"x\"; br\"y\\\"; z");
        assert!(source.code.ends_with("; z"), "{}", source.code);
    }

    #[test]
    fn inline_tests_are_not_counted() {
        let text =
            "//! Doc.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        assert_eq!(Source::read(text).lines_outside_tests(), 4);
        let apart = "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n";
        assert_eq!(Source::read(apart).lines_outside_tests(), 4);
        let function = "#[cfg(test)]\nfn a() {\n}\n";
        assert_eq!(Source::read(function).lines_outside_tests(), 3);
    }
}
