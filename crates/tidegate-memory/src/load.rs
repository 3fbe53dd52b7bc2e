//! Reading 128 bits at once, without a call.
//!
//! The library that exchanges 128 bits reads them by a function that it chooses at run time and
//! that cannot be inlined. A check reads several words, and what it holds in registers would
//! have to be put away around every one of them.

#![allow(unsafe_code, reason = "one instruction that the compiler has no name for")]

use std::{
    arch::{
        asm,
        x86_64::{__m128i, _mm_cvtsi128_si64, _mm_unpackhi_epi64},
    },
    sync::atomic::Ordering,
};

use portable_atomic::AtomicU128;

/// Reads a word as a whole.
///
/// Whatever the `order`: on x86-64 every load is an acquire, and one that is sequentially
/// consistent is no other instruction.
#[expect(clippy::inline_always, reason = "a call is what this module is here to avoid")]
#[inline(always)]
pub(crate) fn load(word: &AtomicU128, order: Ordering) -> u128 {
    if !is_x86_feature_detected!("avx") {
        return word.load(order);
    }
    let value: __m128i;
    // SAFETY: `word` is a live reference, and `AtomicU128` is aligned to 16 bytes as the
    // instruction wants. Processors with AVX do aligned loads of 16 bytes as one access:
    // Intel 64 and IA-32 manual 3A, 9.1.1; AMD64 manual 2, 7.3.2. The assembly may touch
    // memory as far as the compiler knows, so no access is moved across it.
    unsafe {
        asm!(
            "movdqa {value}, xmmword ptr [{word}]",
            value = out(xmm_reg) value,
            word = in(reg) word.as_ptr(),
            options(nostack, preserves_flags),
        );
    }
    halves(value)
}

#[inline]
fn halves(value: __m128i) -> u128 {
    // SAFETY: Both are part of SSE2, which every x86-64 processor has.
    let (low, high) =
        unsafe { (_mm_cvtsi128_si64(value), _mm_cvtsi128_si64(_mm_unpackhi_epi64(value, value))) };
    (u128::from(high.cast_unsigned()) << 64) | u128::from(low.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_was_written() {
        for value in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            let word = AtomicU128::new(value);
            assert_eq!(load(&word, Ordering::Relaxed), value);
            assert_eq!(load(&word, Ordering::SeqCst), value);
        }
    }

    #[test]
    fn no_word_is_ever_read_in_halves() {
        let word = AtomicU128::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for count in 0..300_000_u128 {
                    word.store((count << 64) | count, Ordering::Relaxed);
                }
                word.store(u128::MAX, Ordering::Relaxed);
            });
            loop {
                let value = load(&word, Ordering::Relaxed);
                let (high, low) = (value >> 64, value & u128::from(u64::MAX));
                assert_eq!(high, low);
                if value == u128::MAX {
                    break;
                }
            }
        });
    }
}
