//! The one door to atomics, so that loom can stand in for the processor.

#[cfg(not(loom))]
pub(crate) use portable_atomic::{AtomicU128, Ordering};

#[cfg(all(target_arch = "x86_64", not(loom)))]
pub(crate) use crate::load::load;

/// Reads a word as a whole.
#[cfg(any(not(target_arch = "x86_64"), loom))]
#[inline]
#[track_caller]
pub(crate) fn load(word: &AtomicU128, order: Ordering) -> u128 {
    word.load(order)
}

#[cfg(loom)]
pub(crate) use self::model::AtomicU128;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::Ordering;

#[cfg(loom)]
mod model {
    use std::{
        collections::HashMap,
        sync::{
            Mutex, PoisonError,
            atomic::{AtomicU64 as Count, Ordering::Relaxed},
        },
    };

    use loom::sync::atomic::{AtomicU64, Ordering};

    /// 128 bits that change as a whole, which loom lacks: an atomic of 64 bits holds a number
    /// that stands for the value. So loom sees every access with its ordering, and lets a
    /// relaxed load return what is no longer there.
    pub(crate) struct AtomicU128 {
        number: AtomicU64,
        count: Count,
    }

    impl AtomicU128 {
        pub(crate) fn new(value: u128) -> Self {
            let number = AtomicU64::new(0);
            // Loom orders sequentially consistent loads after such stores only, and does not
            // count the initial value as one.
            number.swap(number_of(value), Ordering::SeqCst);
            Self { number, count: Count::new(0) }
        }

        #[track_caller]
        pub(crate) fn load(&self, order: Ordering) -> u128 {
            value_of(self.number.load(order))
        }

        #[track_caller]
        pub(crate) fn compare_exchange(
            &self,
            current: u128,
            new: u128,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u128, u128> {
            let (current, new) = (number_of(current), number_of(new));
            let outcome = self.number.compare_exchange(current, new, success, failure);
            outcome.map(value_of).map_err(value_of)
        }

        /// Counts apart from the value, and is no step of the model: the table only needs all
        /// results to differ.
        pub(crate) fn fetch_add(&self, value: u128, _: Ordering) -> u128 {
            let value = u64::try_from(value).expect("the table counts by ones");
            u128::from(self.count.fetch_add(value, Relaxed))
        }
    }

    /// Every value that was ever seen, by its number.
    static VALUES: Mutex<Values> = Mutex::new(Values { numbers: None, values: Vec::new() });

    struct Values {
        numbers: Option<HashMap<u128, u64>>,
        values: Vec<u128>,
    }

    fn number_of(value: u128) -> u64 {
        let mut guard = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
        let Values { numbers, values } = &mut *guard;
        *numbers.get_or_insert_default().entry(value).or_insert_with(|| {
            values.push(value);
            values.len() as u64 - 1
        })
    }

    fn value_of(number: u64) -> u128 {
        let values = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
        values.values[usize::try_from(number).expect("an index")]
    }
}
