//! Random numbers that are the same in every run.

/// The xorshift64* generator.
///
/// Source: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
/// scrambled", section 3.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 to `most`, both included.
    pub(super) fn up_to(&mut self, most: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        let scaled = (number * (u64::from(most) + 1)) >> 32;
        u32::try_from(scaled).expect("it is at most `most`")
    }

    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.up_to(n - 1) == 0
    }

    /// An index below `length`.
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.up_to(u32::try_from(length - 1).expect("a short list")) as usize
    }

    /// A time to let pass under a limit that is over after `rest` seconds: none, some
    /// microseconds, a few seconds, or up to twice that.
    pub(super) fn wait(&mut self, rest: u64) -> tidegate_core::Nanos {
        let seconds = u32::try_from(rest).expect("a few days at most");
        let micros = match self.up_to(4) {
            0 | 1 => 0,
            2 => u64::from(self.up_to(3)),
            3 => 1_000_000 * u64::from(self.up_to(seconds / 4)),
            _ => 1_000_000 * u64::from(self.up_to(2 * seconds)) + u64::from(self.up_to(999_999)),
        };
        tidegate_core::Nanos(1_000 * micros)
    }
}
