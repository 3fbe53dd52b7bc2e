//! Random numbers that are the same in every run.

/// The xorshift64* generator: a few instructions per number, and good enough for tests.
///
/// Source: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
/// scrambled", section 3.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to `most`, both included. Below 2^56 unless `most` is all ones.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(count) => (self.next() >> 8) % count,
            None => self.next(),
        }
    }

    /// A number of units from 0 to `most`, both included.
    pub(crate) fn units(&mut self, most: u32) -> u32 {
        u32::try_from(self.up_to(most.into())).expect("it is at most `most`")
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.up_to(n - 1) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let last = u32::try_from(from.len() - 1).expect("tests pick from a few");
        from[self.units(last) as usize]
    }

    /// Any number at all: small, huge, and every length between.
    pub(crate) fn junk(&mut self) -> u64 {
        let number = self.next() >> self.up_to(63);
        if self.one_in(4) { !number } else { number }
    }

    /// Any number of units at all.
    pub(crate) fn any_units(&mut self) -> u32 {
        let number = self.next() >> (32 + self.up_to(31));
        u32::try_from(number).expect("32 bits are left")
    }
}
