//! Both stores pass the cases that every store must pass.

use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};
use tidegate_memory::MemoryStore;
use tidegate_testkit::conformance::{CASES, Load, Subject, run, stress};

const LOAD: Load = Load { threads: 8, requests: 2_000, turns: 20_000 };

const BLANK: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

/// The store's time: that of the charges, of which all of a call are of about the same.
fn now(charges: &[Charge<'_>]) -> Nanos {
    charges.iter().map(|charge| charge.at).min().unwrap_or_default()
}

/// Hands `charges` to one of a store's methods, and returns the decisions.
fn decide(charges: &[Charge<'_>], ask: impl FnOnce(Nanos, &mut [Decision])) -> Vec<Decision> {
    let mut decisions = vec![BLANK; charges.len()];
    ask(now(charges), &mut decisions);
    decisions
}

struct Memory(MemoryStore);

impl Subject for Memory {
    fn check(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        decide(charges, |now, decisions| self.0.check(charges, now, decisions))
    }

    fn peek(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        decide(charges, |now, decisions| self.0.peek(charges, now, decisions))
    }

    fn check_each(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        decide(charges, |now, decisions| self.0.check_each(charges, now, decisions))
    }

    fn verdict(&self, charge: &Charge<'_>) -> Verdict {
        self.0.verdict(charge, charge.at)
    }

    fn verdict_each(&self, charges: &[Charge<'_>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Never; charges.len()];
        self.0.verdict_each(charges, now(charges), &mut verdicts);
        verdicts
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>]) {
        let now = adjustments.iter().map(|adjustment| adjustment.at).min().unwrap_or_default();
        self.0.adjust(adjustments, now);
    }

    fn supports(&self, _: &Limit) -> bool {
        true
    }
}

#[test]
fn memory_passes_every_case() {
    let store = Memory(MemoryStore::new());

    let outcome = run(&store);

    assert_eq!(outcome.unsupported, []);
    assert_eq!((outcome.ran, CASES.len()), (587, 587));
}

#[test]
fn memory_is_exact_under_threads() {
    let unsupported = stress(&Memory(MemoryStore::new()), LOAD);

    assert_eq!(unsupported, [""; 0]);
}

#[cfg(unix)]
mod shared {
    use std::{fs, path::PathBuf};

    use tidegate_memory::{SharedOptions, SharedStore};
    use tidegate_testkit::conformance::Case;

    use super::*;

    /// The log does not fit into a slot of the table, and a shared table has nothing beside it.
    const LOG: &str = "sliding_window_log: 5/minute";

    /// The limits with which the log is put under stress.
    const LOGS: [&str; 3] = [
        "sliding_window_log: 1/hour",
        "sliding_window_log: 2/hour",
        "sliding_window_log: 4000/hour",
    ];

    /// A store in a file of its own, which is gone when the test ends.
    struct Shared {
        store: SharedStore,
        folder: PathBuf,
    }

    impl Shared {
        fn new(test: &str) -> Self {
            let name = format!("tidegate-conformance-{test}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).expect("a folder for a test");
            let options = SharedOptions { capacity: None, replace: false };
            let store = SharedStore::open(&folder.join("table"), options).expect("a new file");
            Self { store, folder }
        }
    }

    impl Drop for Shared {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    impl Subject for Shared {
        fn check(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
            decide(charges, |now, decisions| {
                self.store.check(charges, now, decisions).expect("supported limits");
            })
        }

        fn peek(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
            decide(charges, |now, decisions| {
                self.store.peek(charges, now, decisions).expect("supported limits");
            })
        }

        fn check_each(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
            decide(charges, |now, decisions| {
                self.store.check_each(charges, now, decisions).expect("supported limits");
            })
        }

        fn verdict(&self, charge: &Charge<'_>) -> Verdict {
            self.store.verdict(charge, charge.at).expect("supported limits")
        }

        fn verdict_each(&self, charges: &[Charge<'_>]) -> Vec<Verdict> {
            let mut verdicts = vec![Verdict::Never; charges.len()];
            self.store
                .verdict_each(charges, now(charges), &mut verdicts)
                .expect("supported limits");
            verdicts
        }

        fn adjust(&self, adjustments: &[Adjustment<'_>]) {
            let now = adjustments.iter().map(|adjustment| adjustment.at).min().unwrap_or_default();
            self.store.adjust(adjustments, now).expect("supported limits");
        }

        fn supports(&self, limit: &Limit) -> bool {
            self.store.supports(limit)
        }
    }

    #[test]
    fn shared_passes_every_case_but_those_of_the_log() {
        let store = Shared::new("cases");

        let outcome = run(&store);

        let about_the_log = |case: &&Case| case.limits().any(|limit| limit == LOG);
        assert_eq!(outcome.unsupported_limits(), [LOG]);
        assert_eq!(outcome.unsupported.len(), CASES.iter().filter(about_the_log).count());
        assert_eq!((outcome.ran, outcome.unsupported.len()), (486, 101));
    }

    #[test]
    fn shared_is_exact_under_threads() {
        let unsupported = stress(&Shared::new("threads"), LOAD);

        assert_eq!(unsupported, LOGS);
    }
}
