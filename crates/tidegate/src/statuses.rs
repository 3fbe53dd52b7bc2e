//! Sets of HTTP statuses, by which a rule tells what it charges for.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::Error;

/// What a handler that raised is taken to have answered.
const SERVER_ERROR: u16 = 500;

/// A set of HTTP statuses: `401`, `4xx`, `400-499`, or several of these with commas between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Reads several sets, and makes them one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownStatus`] for the first word that is none, or when there is no word.
    pub fn from_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, Error> {
        let ranges: Vec<_> = words.into_iter().map(range).collect::<Result<_, _>>()?;
        if ranges.is_empty() {
            return Err(Error::UnknownStatus { text: String::new() });
        }
        Ok(Self(ranges))
    }

    /// True when `status` is in the set. A handler that raised, which is `None`, counts as 500.
    #[must_use]
    pub fn contains(&self, status: Option<u16>) -> bool {
        let status = status.unwrap_or(SERVER_ERROR);
        self.0.iter().any(|range| range.contains(&status))
    }
}

fn range(word: &str) -> Result<RangeInclusive<u16>, Error> {
    let unknown = || Error::UnknownStatus { text: word.to_owned() };
    let word_of = word.trim();
    if let Some(hundreds) = word_of.strip_suffix("xx") {
        let hundreds = number(hundreds).filter(|it| (1..=5).contains(it)).ok_or_else(unknown)?;
        return Ok(hundreds * 100..=hundreds * 100 + 99);
    }
    let (first, last) = word_of.split_once('-').unwrap_or((word_of, word_of));
    let status = |text| number(text).filter(|it| (100..=599).contains(it)).ok_or_else(unknown);
    let (first, last) = (status(first)?, status(last)?);
    if first > last {
        return Err(unknown());
    }
    Ok(first..=last)
}

fn number(text: &str) -> Option<u16> {
    // `parse` would take a sign.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl FromStr for Statuses {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_words(text.split(','))
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match (*range.start(), *range.end()) {
                (first, last) if first == last => write!(f, "{first}")?,
                (first, last) if first % 100 == 0 && last == first + 99 => {
                    write!(f, "{}xx", first / 100)?;
                }
                (first, last) => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_and_written_alike() {
        for text in ["401", "4xx", "400-403", "401,403,5xx"] {
            assert_eq!(text.parse::<Statuses>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_set_holds_what_it_says() {
        let set: Statuses = "401, 5xx".parse().unwrap();

        assert!(set.contains(Some(401)) && set.contains(Some(503)) && set.contains(None));
        assert!(!set.contains(Some(400)) && !set.contains(Some(200)));
    }

    #[test]
    fn what_is_no_status_is_named() {
        for text in ["", "99", "600", "6xx", "403-400", "4x", "+401", "ok"] {
            let message = text.parse::<Statuses>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
        }
    }
}
