//! How late the machine is by itself: what a test that measures time has to leave out.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// What the thread sleeps each time.
const STEP: Duration = Duration::from_millis(1);

/// Does `work`, and tells by how much a thread that sleeps a millisecond at a time meanwhile
/// overslept at the worst.
///
/// Whoever did the same work on a machine that has nothing else to do would have been done
/// that much earlier, at the most, for each time that he had to be woken.
pub(crate) fn during<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        let control = scope.spawn(|| {
            let mut worst = Duration::ZERO;
            while !ends.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(STEP);
                worst = worst.max(begun.elapsed().saturating_sub(STEP));
            }
            worst
        });
        let _ends = Ends(&ends);
        let done = work();
        ends.store(true, Ordering::Relaxed);
        (done, control.join().expect("it only sleeps"))
    })
}

/// Ends the control whatever comes of the work.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
