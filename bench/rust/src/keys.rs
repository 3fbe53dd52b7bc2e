//! Keys to check: drawn at random, and written just before they are used, so that their text
//! is in the processor's cache as that of a request at hand would be.

use std::fmt::Write as _;

use crate::contenders::BATCH;

/// Keys that are written, and then checked, at a time.
pub const CHUNK: usize = 1024;

/// Draws keys from `user:0` up to, not including, `user:{population}`.
pub struct Keys {
    population: u64,
    state: u64,
    chunk: Vec<String>,
}

impl Keys {
    /// Keys of the sequence `seed`, which must differ between threads.
    pub fn new(population: u64, seed: u64) -> Self {
        let chunk = (0..CHUNK).map(|_| String::with_capacity(32)).collect();
        Self { population, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, chunk }
    }

    /// The next keys at random.
    pub fn draw(&mut self) -> &[String] {
        for key in &mut self.chunk {
            // xorshift64*, whose high bits are the good ones.
            self.state ^= self.state >> 12;
            self.state ^= self.state << 25;
            self.state ^= self.state >> 27;
            let random = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
            write_key(key, (random * self.population) >> 32);
        }
        &self.chunk
    }

    /// One key, as often as a batch takes.
    pub fn same(&mut self) -> &[String] {
        let keys = &mut self.chunk[..BATCH];
        for key in &mut *keys {
            write_key(key, 0);
        }
        keys
    }

    /// The keys numbered from `first`, `count` of them and at most a chunk.
    pub fn numbered(&mut self, first: u64, count: usize) -> &[String] {
        let keys = &mut self.chunk[..count];
        for (key, number) in keys.iter_mut().zip(first..) {
            write_key(key, number);
        }
        keys
    }
}

fn write_key(key: &mut String, number: u64) {
    key.clear();
    // Writing to a `String` cannot fail.
    let _ = write!(key, "user:{number}");
}
