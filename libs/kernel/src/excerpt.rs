use std::fmt;

/// The start of a refused input, safe to echo in an error: at most [`Excerpt::CHARS_MAX`] characters, quoted, with
/// control characters escaped so that it cannot forge a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    start: String,
    is_cut: bool,
}

impl Excerpt {
    pub(crate) const CHARS_MAX: usize = 64;

    pub(crate) fn of(input: &str) -> Self {
        let start: String = input.chars().take(Self::CHARS_MAX).collect();
        let is_cut = start.len() < input.len();
        Self { start, is_cut }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ellipsis = if self.is_cut { "..." } else { "" };
        write!(f, "{:?}{ellipsis}", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_input_is_cut_to_64_characters_not_bytes() {
        assert_eq!(Excerpt::of(&"é".repeat(65)).to_string(), format!("\"{}\"...", "é".repeat(64)));
        assert_eq!(Excerpt::of(&"é".repeat(64)).to_string(), format!("\"{}\"", "é".repeat(64)));
    }

    #[test]
    fn a_line_break_is_escaped() {
        assert_eq!(Excerpt::of("a\nERROR b").to_string(), r#""a\nERROR b""#);
    }
}
