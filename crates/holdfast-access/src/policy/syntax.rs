//! The language of policies: HCL as policies use it, and JSON, read by one small parser into plain values.
//!
//! Only literals exist: no expressions, functions or templates, so that nothing is computed and nothing recurses beyond
//! [`POLICY_DEPTH_MAX`]. Keys keep their order and their repetitions, so that nothing written is dropped unseen. JSON is read by
//! the same rules: its objects are HCL's with `:` and commas.

use holdfast_types::limits::POLICY_DEPTH_MAX;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A text.
    Text(String),
    /// A number as written.
    Number(String),
    /// True or false.
    Boolean(bool),
    /// JSON's null.
    Null,
    /// A list.
    List(Vec<Self>),
    /// Members in the order written. `path "a" {…}` is a member `path` with an object of one member `a`.
    Object(Vec<(String, Self)>),
}

/// Where and why a text is not in the language. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) what: &'static str,
}

/// The members of a whole text.
pub(crate) fn read(text: &str) -> Result<Vec<(String, Node)>, SyntaxError> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    reader.skip()?;
    if reader.take('{') {
        let members = reader.members(true)?;
        reader.skip()?;
        return if reader.peek().is_none() {
            Ok(members)
        } else {
            Err(reader.wrong("expected the end"))
        };
    }
    reader.members(false)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn wrong(&self, what: &'static str) -> SyntaxError {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        SyntaxError {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            what,
        }
    }

    /// Skips white space and comments.
    fn skip(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    return Err(self.wrong("a comment does not end"));
                };
                self.at += end + 2;
            } else if rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '\u{feff}') {
                self.next();
            } else {
                return Ok(());
            }
        }
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth == POLICY_DEPTH_MAX {
            return Err(self.wrong("nested too deeply"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Members up to a closing brace, which is taken, or up to the end of the text.
    fn members(&mut self, braced: bool) -> Result<Vec<(String, Node)>, SyntaxError> {
        let mut members = Vec::new();
        loop {
            self.skip()?;
            match self.peek() {
                Some('}') if braced => {
                    self.next();
                    return Ok(members);
                }
                None if braced => return Err(self.wrong("a \"}\" is missing")),
                None => return Ok(members),
                Some(_) => members.push(self.member()?),
            }
            self.skip()?;
            self.take(',');
        }
    }

    fn member(&mut self) -> Result<(String, Node), SyntaxError> {
        let key = self.key()?;
        let value = self.deeper(Self::after_key)?;
        Ok((key, value))
    }

    /// What follows a key: `= value`, `: value`, a block, or a label and a block.
    fn after_key(&mut self) -> Result<Node, SyntaxError> {
        self.skip()?;
        match self.peek() {
            Some('=' | ':') => {
                self.next();
                self.skip()?;
                self.value()
            }
            Some('{') => self.value(),
            Some('"') => {
                let (label, inner) = self.member()?;
                Ok(Node::Object(vec![(label, inner)]))
            }
            _ => Err(self.wrong("expected \"=\", \":\" or \"{\"")),
        }
    }

    fn key(&mut self) -> Result<String, SyntaxError> {
        if self.peek() == Some('"') {
            return self.string();
        }
        let word = self.word();
        if word.is_empty() {
            Err(self.wrong("expected a name"))
        } else {
            Ok(word)
        }
    }

    fn word(&mut self) -> String {
        let rest = self.rest();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_owned();
        self.at += end;
        word
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        match self.peek() {
            Some('"') => self.string().map(Node::Text),
            Some('[') => self.deeper(Self::list),
            Some('{') => {
                self.next();
                self.deeper(|reader| reader.members(true)).map(Node::Object)
            }
            Some('<') => Err(self.wrong("here-documents are not supported")),
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        let word = self.word();
        match word.as_str() {
            "true" => Ok(Node::Boolean(true)),
            "false" => Ok(Node::Boolean(false)),
            "null" => Ok(Node::Null),
            number if is_number(number) => Ok(Node::Number(word)),
            _ => {
                self.at = start;
                Err(self.wrong("expected a text, a number, true, false, a list or an object"))
            }
        }
    }

    fn list(&mut self) -> Result<Node, SyntaxError> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.take(']') {
                return Ok(Node::List(items));
            }
            items.push(self.value()?);
            self.skip()?;
            if !self.take(',') && self.peek() != Some(']') {
                return Err(self.wrong("expected \",\" or \"]\""));
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        self.next();
        let mut out = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(out);
                }
                Some('$' | '%') if self.rest().get(1..2) == Some("{") => {
                    return Err(self.wrong("templates are not supported"));
                }
                Some('\\') => {
                    self.next();
                    out.push(self.escape()?);
                }
                Some(c) if !c.is_control() || c == '\t' => {
                    self.next();
                    out.push(c);
                }
                _ => return Err(self.wrong("a text does not end on its line")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let c = match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => return self.unicode(4),
            Some('U') => return self.unicode(8),
            _ => return Err(self.wrong("an unknown escape")),
        };
        Ok(c)
    }

    fn unicode(&mut self, digits: usize) -> Result<char, SyntaxError> {
        let mut code = self.hex(digits)?;
        if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
            self.at += 2;
            let low = self.hex(4)?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.wrong("an escape that is no character"));
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or_else(|| self.wrong("an escape that is no character"))
    }

    fn hex(&mut self, digits: usize) -> Result<u32, SyntaxError> {
        let mut code: u32 = 0;
        for _ in 0..digits {
            let digit = self.next().and_then(|c| c.to_digit(16));
            let digit = digit.ok_or_else(|| self.wrong("an escape with too few digits"))?;
            code = code << 4 | digit;
        }
        Ok(code)
    }
}

/// Plain decimal numbers, as JSON writes them without an exponent.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let padded = whole.len() > 1 && whole.starts_with('0');
    text.len() <= 32 && digits(whole) && digits(fraction) && !padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    fn object<const N: usize>(members: [(&str, Node); N]) -> Node {
        Node::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    #[test]
    fn reads_blocks_and_json_alike() {
        let hcl = r#"
            # a comment
            path "a/*" { capabilities = ["read", "list",] /* both */ }
            // another
            "path" "b" { "policy" = "write" comment = "x\u00e9" }
            n = -1.5, t = true
        "#;
        let json = r#"{"path": {"a/*": {"capabilities": ["read", "list"]}},
            "path": {"b": {"policy": "write", "comment": "x\u00e9"}}, "n": -1.5, "t": true}"#;
        let read_hcl = read(hcl).unwrap();
        assert_eq!(read_hcl, read(json).unwrap());
        assert_eq!(read_hcl.len(), 4);
        let list = Node::List(vec![text("read"), text("list")]);
        assert_eq!(
            read_hcl[0].1,
            object([("a/*", object([("capabilities", list)]))])
        );
        assert_eq!(
            read_hcl[1].1,
            object([(
                "b",
                object([("policy", text("write")), ("comment", text("xé"))])
            )])
        );
    }

    #[test]
    fn says_where_it_is_wrong_and_not_what() {
        for (text, line, column, what) in [
            (
                "path \"a\" {\n  capabilities = [\"canary\"\n}",
                3,
                1,
                "expected \",\" or \"]\"",
            ),
            ("path \"canary", 1, 13, "a text does not end on its line"),
            (
                "a = canary",
                1,
                5,
                "expected a text, a number, true, false, a list or an object",
            ),
            ("a = \"${x}\"", 1, 6, "templates are not supported"),
            ("a = <<EOF\n", 1, 5, "here-documents are not supported"),
            ("a = \"\\ud800\"", 1, 12, "an escape that is no character"),
            ("{\"a\": 1} b", 1, 10, "expected the end"),
            ("a { b = 1", 1, 10, "a \"}\" is missing"),
            ("/* x", 1, 1, "a comment does not end"),
            ("= 1", 1, 1, "expected a name"),
            ("a 1", 1, 3, "expected \"=\", \":\" or \"{\""),
        ] {
            assert_eq!(
                read(text),
                Err(SyntaxError { line, column, what }),
                "{text}"
            );
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_feels_it() {
        for open in ["a = [", "a {", "a \"b\" \"c\" ", "a = {b = "] {
            let text = open.to_owned() + &open.trim_start_matches("a = ").repeat(100_000);
            let refused = read(&text).unwrap_err().what;
            assert!(
                [
                    "nested too deeply",
                    "expected a name",
                    "expected \"=\", \":\" or \"{\""
                ]
                .contains(&refused),
                "{refused}"
            );
        }
        let labels = "a ".to_owned() + &"\"b\" ".repeat(100_000);
        assert_eq!(read(&labels).unwrap_err().what, "nested too deeply");
        let lists = "a = ".to_owned() + &"[".repeat(100_000);
        assert_eq!(read(&lists).unwrap_err().what, "nested too deeply");
    }

    #[test]
    fn knows_numbers() {
        for good in ["0", "-1", "12.50", "100"] {
            assert!(is_number(good), "{good}");
        }
        for bad in [
            "", "-", "01", "1.", ".5", "1e5", "+1", "1.2.3", "0x1", "1-2",
        ] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
