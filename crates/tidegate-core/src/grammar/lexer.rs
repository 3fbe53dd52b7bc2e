//! A place in the text, and what stands there.
//!
//! Knows characters, not limits.

use super::error::{Fault, Problem};

/// A place in the text: always on a character's first byte, and never on white space unless
/// [`advance`](Self::advance) left it there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The first place of `text` that is not white space.
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Self { text, at: 0 };
        lexer.skip_space();
        lexer
    }

    /// The place, in bytes from the text's start.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The text from `start`, a place that [`at`](Self::at) gave, up to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The character that stands here, or `None` at the end.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The longest run of characters from here that all `belong`; may be empty.
    pub(super) fn run(&self, belong: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        rest.split(|c| !belong(c)).next().unwrap_or(rest)
    }

    /// The letters that stand here; may be empty.
    pub(super) fn word(&self) -> &'a str {
        self.run(char::is_alphabetic)
    }

    /// Moves past `token`, which stands here, and stays at its end.
    pub(super) fn advance(&mut self, token: &str) {
        self.at += token.len();
    }

    /// Moves past `token`, which stands here, and the white space after it.
    pub(super) fn skip(&mut self, token: &str) {
        self.advance(token);
        self.skip_space();
    }

    /// Moves to the next character that is not white space.
    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Moves past the first of `symbols` that stands here, and the white space after it.
    pub(super) fn eat(&mut self, symbols: &[char]) -> bool {
        let here = self.run(|c| symbols.contains(&c));
        let Some(symbol) = here.chars().next() else {
            return false;
        };
        self.at += symbol.len_utf8();
        self.skip_space();
        true
    }

    /// What stands here, for a message: a word, a number, one other character, or `None` at
    /// the end.
    pub(super) fn found(&self) -> Option<&'a str> {
        let first = self.peek()?;
        let token = if first.is_alphabetic() {
            self.word()
        } else if first.is_ascii_digit() {
            self.run(is_numeric)
        } else {
            self.rest().get(..first.len_utf8()).unwrap_or_default()
        };
        Some(token)
    }

    /// The fault that something else than `expected` stands here.
    pub(super) fn unexpected(&self, expected: &'static str) -> Fault {
        Fault::new(self.at, Problem::Unexpected { found: self.found().map(Into::into), expected })
    }
}

/// True for what a number is made of.
pub(super) const fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_passed_over_between_tokens() {
        let mut lexer = Lexer::new(" \t10\u{a0}\n/ m");

        assert_eq!(lexer.found(), Some("10"));
        lexer.skip("10");
        assert!(lexer.eat(&['/']));
        assert_eq!(lexer.found(), Some("m"));
        lexer.skip("m");
        assert_eq!(lexer.found(), None);
    }

    #[test]
    fn only_one_symbol_is_eaten_at_a_time() {
        let mut lexer = Lexer::new(";,1");

        assert!(lexer.eat(&[',', ';']));

        assert_eq!(lexer.rest(), ",1");
    }

    #[test]
    fn characters_of_several_bytes_are_read_whole() {
        let mut lexer = Lexer::new("µs€");

        assert_eq!(lexer.found(), Some("µs"));
        lexer.advance("µs");
        assert_eq!(lexer.found(), Some("€"));
        assert!(lexer.eat(&['€']));
        assert_eq!(lexer.found(), None);
    }
}
