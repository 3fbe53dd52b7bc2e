//! Finds the word that somebody probably meant.

use alloc::vec::Vec;

/// No word of the grammar is longer. It bounds the work that a hostile word can cause.
const LONGEST: usize = 32;

/// The one of `candidates` that is closest to `word`, when it is close enough to be what was
/// meant: at most one edit for every three characters. The first one wins a tie.
///
/// Case doesn't count, and `-` is `_`.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).map(fold).collect();
    if word.len() > LONGEST {
        return None;
    }
    let close = candidates.into_iter().filter_map(|candidate| {
        let letters: Vec<char> = candidate.chars().map(fold).collect();
        let edits = distance(&word, &letters);
        (edits <= word.len().max(letters.len()) / 3).then_some((edits, candidate))
    });
    close.min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

const fn fold(c: char) -> char {
    if c == '-' { '_' } else { c.to_ascii_lowercase() }
}

/// How many characters must be inserted, deleted, replaced or swapped with their neighbour
/// to turn `a` into `b`.
///
/// ```text
/// d(i, j) = min( d(i−1, j) + 1,  d(i, j−1) + 1,  d(i−1, j−1) + [aᵢ ≠ bⱼ],
///                d(i−2, j−2) + 1   if aᵢ = bⱼ₋₁ and aᵢ₋₁ = bⱼ )
/// ```
///
/// Source: the restricted form of Damerau's distance, also called optimal string alignment.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i);
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut edits = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(before[j - 2] + 1);
            }
            row.push(edits);
        }
        before = core::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(a: &str, b: &str) -> usize {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        distance(&letters(a), &letters(b))
    }

    #[test]
    fn every_kind_of_edit_counts_once() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("abc", "abc"), 0);
        assert_eq!(edits("abc", "abxc"), 1);
        assert_eq!(edits("abc", "ac"), 1);
        assert_eq!(edits("abc", "axc"), 1);
        assert_eq!(edits("abc", "acb"), 1);
        assert_eq!(edits("ab", "bc"), 2);
        assert_eq!(edits("minit", "minute"), 2);
        assert_eq!(edits("kitten", "sitting"), 3);
    }

    #[test]
    fn distance_is_the_same_both_ways() {
        for (a, b) in [("ca", "abc"), ("minute", "minit"), ("gcra", "gcar"), ("s", "seconds")] {
            assert_eq!(edits(a, b), edits(b, a), "{a} {b}");
        }
    }

    #[test]
    fn a_typing_mistake_finds_its_word() {
        let words = ["second", "minute", "hour", "min", "sliding_window"];

        assert_eq!(closest("minit", words), Some("minute"));
        assert_eq!(closest("mnute", words), Some("minute"));
        assert_eq!(closest("mins", words), Some("min"));
        assert_eq!(closest("SECOND", words), Some("second"));
        assert_eq!(closest("Sliding-Windwo", words), Some("sliding_window"));
    }

    #[test]
    fn what_is_far_from_all_words_finds_none() {
        assert_eq!(closest("x", ["s", "m"]), None);
        assert_eq!(closest("hxxr", ["hour"]), None);
        assert_eq!(closest("decade", ["second", "day"]), None);
        assert_eq!(closest("", ["s"]), None);
        assert_eq!(closest(&"s".repeat(1000), ["s"]), None);
    }
}
