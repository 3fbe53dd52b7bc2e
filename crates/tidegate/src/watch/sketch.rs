//! The busiest keys, in memory that does not grow.
//!
//! The space-saving algorithm (Metwally, Agrawal and El Abbadi, 2005): a key that is not among
//! those that are kept takes the place of the least busy one, and its count, which is then an
//! upper bound. A key with more than one in [`KEPT`] of all requests is always among them.
//!
//! Keys are chosen by attackers: a new one costs a handful of steps in a heap, not a look at all
//! that are kept, and of a long one only the beginning is kept.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

/// Keys that are kept.
const KEPT: usize = 256;
/// Bytes of a key that are kept.
const LONGEST: usize = 256;

/// How often a key was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusyKey {
    /// The rule that counts it.
    pub rule: String,
    /// The key; of one with more than 256 bytes, the first 256.
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
    /// Each stays where it is until another key takes its place.
    keys: Vec<Noted>,
    /// Places in `keys` as a heap, the least busy one first.
    heap: Vec<usize>,
    /// Where in `keys` each is.
    places: HashMap<Arc<[u8]>, usize>,
    /// For looking up without making a new one.
    name: Vec<u8>,
}

#[derive(Debug)]
struct Noted {
    /// The rule, and then the key.
    name: Arc<[u8]>,
    /// How long the rule's name is.
    rule: usize,
    /// Where in the heap it is: so that moving there looks nothing up.
    at: usize,
    requests: u64,
    refused: u64,
    error: u64,
}

impl Sketch {
    pub(super) fn note(&mut self, rule: &str, key: &[u8], is_refused: bool) {
        let key = &key[..key.len().min(LONGEST)];
        self.name.clear();
        self.name.extend_from_slice(rule.as_bytes());
        // No name of a rule has a zero in it, so that a name and a key are never another pair's.
        self.name.push(0);
        self.name.extend_from_slice(key);
        let place = match self.places.get(&*self.name) {
            Some(&place) => place,
            None => self.take_place(rule.len()),
        };
        let noted = &mut self.keys[place];
        noted.requests += 1;
        noted.refused += u64::from(is_refused);
        let at = noted.at;
        self.sink(at);
    }

    /// Makes room for the key whose name is looked up.
    fn take_place(&mut self, rule: usize) -> usize {
        let name: Arc<[u8]> = self.name.as_slice().into();
        let new = |at, error| {
            let name = Arc::clone(&name);
            Noted { name, rule, at, requests: error, refused: 0, error }
        };
        let place = if self.keys.len() < KEPT {
            // With no requests it is the least busy one: it goes where that was.
            let last = self.keys.len();
            self.keys.push(new(last, 0));
            self.heap.push(last);
            self.rise(last);
            last
        } else {
            let place = self.heap[0];
            let least = &mut self.keys[place];
            self.places.remove(&least.name);
            *least = new(0, least.requests);
            place
        };
        self.places.insert(name, place);
        place
    }

    /// Moves a key that has become busier to where it belongs in the heap.
    fn sink(&mut self, mut at: usize) {
        loop {
            let children = 2 * at + 1..(2 * at + 3).min(self.heap.len());
            match children.min_by_key(|&child| self.requests(child)) {
                Some(child) if self.requests(child) < self.requests(at) => {
                    self.swap(child, at);
                    at = child;
                }
                _ => return,
            }
        }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 && self.requests((at - 1) / 2) > self.requests(at) {
            self.swap((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
    }

    /// How busy the key there in the heap is.
    fn requests(&self, at: usize) -> u64 {
        self.keys[self.heap[at]].requests
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        for at in [one, other] {
            self.keys[self.heap[at]].at = at;
        }
    }

    /// The keys, those with the most refusals first, then those with the most requests.
    pub(super) fn busiest(&self) -> Vec<BusyKey> {
        let mut keys: Vec<_> = self.keys.iter().map(Noted::told).collect();
        keys.sort_by(|a, b| {
            let order = |key: &BusyKey| Reverse((key.refused, key.requests));
            order(a).cmp(&order(b)).then_with(|| (&a.rule, &a.key).cmp(&(&b.rule, &b.key)))
        });
        keys
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.heap.clear();
        self.places.clear();
    }
}

impl Noted {
    fn told(&self) -> BusyKey {
        let (rule, key) = self.name.split_at(self.rule);
        BusyKey {
            rule: String::from_utf8_lossy(rule).into_owned(),
            key: key[1..].into(),
            requests: self.requests,
            refused: self.refused,
            error: self.error,
        }
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

    /// A slow sketch: the least busy of all kept keys makes room. Which of several equal ones does
    /// is nobody's business, so that only what does not depend on it is compared.
    #[test]
    fn counts_are_those_of_a_slow_sketch() {
        let mut sketch = Sketch::default();
        let mut slow: Vec<u64> = Vec::new();
        let mut state = 7_u64;
        for _ in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Half of all requests are from few keys, the others from ever new ones.
            let number = if state >> 63 == 0 { (state >> 40) % 40 } else { state >> 33 };
            let key = number.to_le_bytes();
            let is_known = sketch.places.contains_key(&[b"r\0", &key[..]].concat()[..]);
            sketch.note("r", &key, false);
            let noted = &sketch.keys[sketch.places[&[b"r\0", &key[..]].concat()[..]]];
            let before = noted.requests - 1;
            if is_known {
                let at = slow.iter().position(|count| *count == before).unwrap();
                slow[at] += 1;
            } else if slow.len() < KEPT {
                slow.push(1);
            } else {
                let least = slow.iter_mut().min().unwrap();
                assert_eq!(before, *least);
                *least += 1;
            }
        }
        let mut counts: Vec<_> = sketch.keys.iter().map(|noted| noted.requests).collect();
        counts.sort_unstable();
        slow.sort_unstable();
        assert_eq!(counts, slow);
        assert_eq!(counts.iter().sum::<u64>(), 50_000);
        assert_eq!(sketch.places.len(), KEPT);
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

    #[test]
    fn of_a_long_key_the_beginning_is_kept() {
        let mut sketch = Sketch::default();
        sketch.note("r", &vec![b'x'; 100_000], false);
        assert_eq!(sketch.busiest()[0].key.len(), LONGEST);
    }
}
