//! What may follow the period: `burst 20`, `strict`, `queue 5s`, `force`.

use crate::Nanos;

use super::{
    NumberProblem, Problem, Vocabulary, error::Fault, lexer::Lexer, number::Number, period,
    vocabulary::OptionWord,
};

/// The options of a limit, each with its place in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) burst: Option<(usize, u32)>,
    pub(super) strict: Option<usize>,
    pub(super) queue: Option<(usize, Nanos)>,
    pub(super) force: Option<usize>,
}

impl Options {
    /// Reads every option that stands at `lexer`, in any order, and moves to the next token.
    pub(super) fn read(lexer: &mut Lexer<'_>) -> Result<Self, Fault> {
        let mut options = Self::default();
        loop {
            let (word, at) = (lexer.word(), lexer.at());
            if word.is_empty() {
                return Ok(options);
            }
            let Some(option) = OptionWord::named(word) else {
                return Err(Fault::unknown(at, Vocabulary::Option, word));
            };
            if options.have(option) {
                return Err(Fault::new(at, Problem::Repeated { option: option.name() }));
            }
            lexer.skip(word);
            options.read_value(lexer, option, at)?;
        }
    }

    const fn have(&self, option: OptionWord) -> bool {
        match option {
            OptionWord::Burst => self.burst.is_some(),
            OptionWord::Strict => self.strict.is_some(),
            OptionWord::Queue => self.queue.is_some(),
            OptionWord::Force => self.force.is_some(),
        }
    }

    fn read_value(
        &mut self,
        lexer: &mut Lexer<'_>,
        option: OptionWord,
        at: usize,
    ) -> Result<(), Fault> {
        match option {
            OptionWord::Burst => self.burst = Some((at, burst(lexer)?)),
            OptionWord::Strict => self.strict = Some(at),
            OptionWord::Queue => {
                self.queue = Some((at, period::span(lexer, "a time to wait, such as 5s")?));
            }
            OptionWord::Force => self.force = Some(at),
        }
        Ok(())
    }
}

fn burst(lexer: &mut Lexer<'_>) -> Result<u32, Fault> {
    let count = Number::read_count(lexer, "a burst such as 20")?;
    lexer.skip_space();
    count.whole().ok_or_else(|| count.fault(NumberProblem::BurstNotWhole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_in_any_order() {
        let one = Options::read(&mut Lexer::new("burst 1k strict queue 1m30s force")).unwrap();
        let other = Options::read(&mut Lexer::new("FORCE queue 90 Strict burst1000")).unwrap();

        assert_eq!((one.burst, one.queue), (Some((0, 1000)), Some((16, Nanos::from_secs(90)))));
        assert_eq!((one.strict, one.force), (Some(9), Some(28)));
        assert_eq!((other.burst, other.queue), (Some((22, 1000)), Some((6, Nanos::from_secs(90)))));
        assert_eq!((other.strict, other.force), (Some(15), Some(0)));
    }

    #[test]
    fn each_option_stands_once() {
        for (text, at) in [
            ("burst 1 burst 1", 8),
            ("strict strict", 7),
            ("queue 1 queue 1", 8),
            ("force force", 6),
        ] {
            assert_eq!(Options::read(&mut Lexer::new(text)).unwrap_err().at, at, "{text}");
        }
    }
}
