//! The busiest keys, in memory that does not grow.
//!
//! The space-saving algorithm (Metwally, Agrawal and El Abbadi, 2005): a key that is not among
//! those that are kept takes the place of the least busy one, and its count, which is then an
//! upper bound. A key with more than one in [`KEPT`] of all requests is always among them.

use std::collections::HashMap;

/// Keys that are kept.
const KEPT: usize = 256;

/// How often a key was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusyKey {
    /// The rule that counts it.
    pub rule: String,
    /// The key.
    pub key: Box<[u8]>,
    /// Requests, at most: too many by as many as `error`.
    pub requests: u64,
    /// Requests that were refused since the key was noted.
    pub refused: u64,
    /// What the key that it took the place of had.
    pub error: u64,
}

/// Counts of the busiest keys.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    keys: Vec<BusyKey>,
    /// Where each is, by rule and key.
    places: HashMap<Box<[u8]>, usize>,
    /// For looking up without making a new one.
    name: Vec<u8>,
}

impl Sketch {
    pub(super) fn note(&mut self, rule: &str, key: &[u8], is_refused: bool) {
        self.name.clear();
        self.name.extend_from_slice(rule.as_bytes());
        self.name.push(0);
        self.name.extend_from_slice(key);
        let place = match self.places.get(&*self.name) {
            Some(&place) => place,
            None => self.take_place(rule, key),
        };
        let noted = &mut self.keys[place];
        noted.requests += 1;
        noted.refused += u64::from(is_refused);
    }

    fn take_place(&mut self, rule: &str, key: &[u8]) -> usize {
        let new = |error| BusyKey {
            rule: rule.to_owned(),
            key: key.into(),
            requests: error,
            refused: 0,
            error,
        };
        let place = if self.keys.len() < KEPT {
            self.keys.push(new(0));
            self.keys.len() - 1
        } else {
            let least = self.keys.iter().enumerate().min_by_key(|(_, kept)| kept.requests);
            let place = least.map_or(0, |(place, _)| place);
            self.places.retain(|_, at| *at != place);
            self.keys[place] = new(self.keys[place].requests);
            place
        };
        self.places.insert(self.name.as_slice().into(), place);
        place
    }

    /// The keys, those with the most refusals first, then those with the most requests.
    pub(super) fn busiest(&self) -> Vec<BusyKey> {
        let mut keys = self.keys.clone();
        keys.sort_by(|a, b| (b.refused, b.requests, &a.key).cmp(&(a.refused, a.requests, &b.key)));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_key_stays_among_many_others() {
        let mut sketch = Sketch::default();
        for number in 0_u32..20_000 {
            sketch.note("r", &number.to_le_bytes(), false);
            if number % 100 == 0 {
                sketch.note("r", b"busy", true);
            }
        }
        let busiest = sketch.busiest();
        assert_eq!(busiest.len(), KEPT);
        assert_eq!(&*busiest[0].key, b"busy");
        let busy = &busiest[0];
        assert!(busy.requests >= 200 && busy.requests - busy.error <= 200 && busy.refused <= 200);
    }

    #[test]
    fn rules_have_keys_of_their_own() {
        let mut sketch = Sketch::default();
        sketch.note("a", b"x", false);
        sketch.note("b", b"x", true);
        let told: Vec<_> =
            sketch.busiest().into_iter().map(|key| (key.rule, key.requests, key.refused)).collect();
        assert_eq!(told, [("b".to_owned(), 1, 1), ("a".to_owned(), 1, 0)]);
    }
}
