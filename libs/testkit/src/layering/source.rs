//! A Rust source as a sequence of words, without its comments and texts.

/// A word, which may begin with a digit, or a character of none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    line: usize,
    text: String,
}

/// Words after which `::` begins a path instead of going on with one.
const BEFORE_A_PATH: [&str; 6] = ["as", "dyn", "for", "impl", "return", "use"];

/// The tokens of a source file. Just enough of the language to ask which names occur: what stands in comments, strings and
/// character literals is left out.
#[derive(Debug)]
pub(super) struct Source(Vec<Token>);

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let mut scanner = Scanner { rest: text, line: 1, tokens: Vec::new() };
        while scanner.step() {}
        Self(scanner.tokens)
    }

    /// The lines on which a word occurs, alone or as the type of a number, as in `1_f64`.
    pub(super) fn lines_with(&self, word: &str) -> impl Iterator<Item = usize> {
        let is_typed = move |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(word);
        self.0.iter().filter(move |token| token.text == word || is_typed(&token.text)).map(|token| token.line)
    }

    /// Where one of these crates is named: at the beginning of a path, or in a `use`.
    pub(super) fn crates_named<'a>(&self, crates: &'a [&str]) -> impl Iterator<Item = (usize, &'a str)> {
        let text = |index: Option<usize>| index.and_then(|index| self.0.get(index)).map_or("", |token| &token.text);
        self.0.iter().enumerate().filter_map(move |(index, token)| {
            let name = crates.iter().find(|name| **name == token.text)?;
            let begins_path = text(Some(index + 1)) == ":" && text(Some(index + 2)) == ":";
            // `crate::messaging::x` is a module of ours, `::messaging::x` is not.
            let before = text(index.checked_sub(3));
            let goes_on =
                text(index.checked_sub(1)) == ":" && before.starts_with(is_word) && !BEFORE_A_PATH.contains(&before);
            let is_used = matches!(text(index.checked_sub(1)), "use" | "crate");
            ((begins_path && !goes_on) || is_used).then_some((token.line, *name))
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Scanner<'_> {
    /// Takes what comes next. False at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment(self.rest));
        } else if let Some(length) = raw_string(self.rest) {
            self.skip(length);
        } else if first == '"' {
            self.skip(quoted(self.rest, '"'));
        } else if first == '\'' {
            self.skip(character_or_lifetime(self.rest));
        } else if is_word(first) {
            self.take(self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()));
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.take(first.len_utf8());
        }
        true
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn take(&mut self, length: usize) {
        self.tokens.push(Token { line: self.line, text: self.rest[..length].to_owned() });
        self.skip(length);
    }
}

/// Length of a comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Length of `r"..."`, `br#"..."#` and their like.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let hashes = text[prefix.len()..].chars().take_while(|c| *c == '#').count();
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[start..].find(&end).map_or(text.len(), |length| start + length + end.len()))
}

/// Length of a literal between quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of `'x'`, or of the quote that begins `'lifetime`.
fn character_or_lifetime(text: &str) -> usize {
    let mut following = text.chars().skip(1);
    match (following.next(), following.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(text, '\''),
        _ => 1,
    }
}
