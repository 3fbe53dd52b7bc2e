//! The one door to atomics, so that loom can stand in for the processor.

#[cfg(not(loom))]
pub(crate) use portable_atomic::{AtomicU128, Ordering};

#[cfg(loom)]
pub(crate) use self::model::AtomicU128;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::Ordering;

#[cfg(loom)]
mod model {
    use loom::sync::{Mutex, atomic::Ordering};

    /// 128 bits that change as a whole. Loom has no such atomic; one lock per access has the
    /// same interleavings.
    pub(crate) struct AtomicU128(Mutex<u128>);

    impl AtomicU128 {
        pub(crate) fn new(value: u128) -> Self {
            Self(Mutex::new(value))
        }

        pub(crate) fn load(&self, _: Ordering) -> u128 {
            *self.0.lock().expect("no panic holds the lock")
        }

        pub(crate) fn compare_exchange(
            &self,
            current: u128,
            new: u128,
            _: Ordering,
            _: Ordering,
        ) -> Result<u128, u128> {
            let mut value = self.0.lock().expect("no panic holds the lock");
            if *value == current {
                *value = new;
                return Ok(current);
            }
            Err(*value)
        }
    }
}
