//! A slow replay that shares nothing with the program: for each key the plainest bookkeeping that
//! its algorithm's definition allows.

use std::collections::{BTreeMap, VecDeque};

use super::log::Request;

pub(super) const SECOND: u128 = 1_000_000_000;

/// How one key stands with one limit.
#[derive(Clone)]
pub(super) enum Model {
    /// Admitted requests of the last `period`, oldest first.
    Log { limit: usize, period: u128, admitted: VecDeque<u128> },
    /// What is in a bucket, in nanoseconds of refilling, and when that was so.
    Bucket { most: u128, each: u128, level: u128, at: u128 },
    /// How many were admitted in which window.
    Window { limit: u128, period: u128, window: u128, admitted: u128 },
    /// The window of every admitted request that can still be in view.
    Weighted { limit: u128, period: u128, windows: VecDeque<u128> },
    /// When the exit of a queue is free again.
    Queue { each: u128, longest: u128, free_at: u128 },
}

impl Model {
    pub(super) fn bucket(burst: u128, each: u128) -> Self {
        Self::Bucket { most: burst * each, each, level: burst * each, at: 0 }
    }

    pub(super) fn window(limit: u128, period: u128) -> Self {
        Self::Window { limit, period, window: 0, admitted: 0 }
    }

    /// Whether one more fits. Forgets what is over.
    fn fits(&mut self, now: u128) -> bool {
        match self {
            Self::Log { limit, period, admitted } => {
                while admitted.front().is_some_and(|at| now - at >= *period) {
                    admitted.pop_front();
                }
                admitted.len() < *limit
            }
            Self::Bucket { most, each, level, at } => {
                *level = (*level + (now - *at)).min(*most);
                *at = now;
                *level >= *each
            }
            Self::Window { limit, period, window, admitted } => {
                if now / *period != *window {
                    (*window, *admitted) = (now / *period, 0);
                }
                *admitted < *limit
            }
            Self::Weighted { limit, period, windows } => {
                let current = now / *period;
                while windows.front().is_some_and(|window| window + 1 < current) {
                    windows.pop_front();
                }
                let in_view = *period - now % *period;
                let weight = |window: &u128| if *window == current { *period } else { in_view };
                windows.iter().map(weight).sum::<u128>() + *period <= *limit * *period
            }
            Self::Queue { longest, free_at, .. } => free_at.saturating_sub(now) <= *longest,
        }
    }

    /// Takes one, which fits.
    fn take(&mut self, now: u128) {
        match self {
            Self::Log { admitted, .. } => admitted.push_back(now),
            Self::Bucket { each, level, .. } => *level -= *each,
            Self::Window { admitted, .. } => *admitted += 1,
            Self::Weighted { period, windows, .. } => windows.push_back(now / *period),
            Self::Queue { each, free_at, .. } => *free_at = now.max(*free_at) + *each,
        }
    }

    /// Takes back what was just taken.
    fn give_back(&mut self) {
        match self {
            Self::Log { admitted, .. } => drop(admitted.pop_back()),
            Self::Bucket { each, level, .. } => *level += *each,
            Self::Window { admitted, .. } => *admitted -= 1,
            Self::Weighted { windows, .. } => drop(windows.pop_back()),
            Self::Queue { .. } => panic!("no rule of these tests gives back to a queue"),
        }
    }
}

/// A rule, as its configuration describes it.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) applies: fn(&Request) -> bool,
    pub(super) key: fn(&Request) -> String,
    /// A key that nobody has seen yet.
    pub(super) fresh: Vec<Model>,
    pub(super) is_shadow: bool,
    /// The status that it charges for, if not for all.
    pub(super) charge_on: Option<u16>,
    /// How long the first breach blocks, the second, and so on.
    pub(super) block: Vec<u128>,
    pub(super) keys: BTreeMap<String, Key>,
}

/// How one key stands with one rule.
pub(super) struct Key {
    models: Vec<Model>,
    /// One is forgotten in a day.
    strikes: Model,
    blocked_until: u128,
    pub(super) requests: u64,
    pub(super) refused: u64,
    /// The line of the first refusal.
    pub(super) first: Option<u64>,
}

impl Rule {
    pub(super) fn new(
        name: &'static str,
        applies: fn(&Request) -> bool,
        key: fn(&Request) -> String,
        fresh: Vec<Model>,
    ) -> Self {
        let (is_shadow, charge_on, block, keys) = (false, None, Vec::new(), BTreeMap::new());
        Self { name, applies, key, fresh, is_shadow, charge_on, block, keys }
    }

    fn key_of(&mut self, request: &Request) -> &mut Key {
        let strikes = Model::bucket(self.block.len() as u128, 86_400 * SECOND);
        self.keys.entry((self.key)(request)).or_insert_with(|| Key {
            models: self.fresh.clone(),
            strikes,
            blocked_until: 0,
            requests: 0,
            refused: 0,
            first: None,
        })
    }
}

impl Key {
    fn fits(&mut self, now: u128) -> bool {
        self.models.iter_mut().fold(true, |all, model| model.fits(now) & all)
    }

    fn strike(&mut self, now: u128, tiers: &[u128]) {
        if tiers.is_empty() {
            return;
        }
        let mut before = 0;
        let mut rest = self.strikes.clone();
        while rest.fits(now) {
            rest.take(now);
            before += 1;
        }
        let before = tiers.len() - before;
        self.blocked_until = now + tiers[before.min(tiers.len() - 1)];
        if self.strikes.fits(now) {
            self.strikes.take(now);
        }
    }

    fn count(&mut self, is_refused: bool, line: u64) {
        self.requests += 1;
        if is_refused {
            self.refused += 1;
            self.first.get_or_insert(line);
        }
    }
}

/// All rules, and what became of the requests.
pub(super) struct Reference {
    pub(super) rules: Vec<Rule>,
    pub(super) denies: fn(&Request) -> bool,
    pub(super) lets_in: fn(&Request) -> bool,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) denied: u64,
    pub(super) let_in: u64,
    pub(super) unlimited: u64,
    pub(super) out_of_order: u64,
    latest: u64,
}

impl Reference {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules,
            denies: |_| false,
            lets_in: |_| false,
            requests: 0,
            refused: 0,
            denied: 0,
            let_in: 0,
            unlimited: 0,
            out_of_order: 0,
            latest: 0,
        }
    }

    pub(super) fn take(&mut self, request: &Request, line: u64) {
        self.out_of_order += u64::from(request.at < self.latest);
        self.latest = self.latest.max(request.at);
        let now = u128::from(self.latest) * SECOND;
        self.requests += 1;
        if (self.lets_in)(request) {
            self.let_in += 1;
            return;
        }
        if (self.denies)(request) {
            self.denied += 1;
            self.refused += 1;
            return;
        }
        let mut applying: Vec<&mut Rule> =
            self.rules.iter_mut().filter(|rule| (rule.applies)(request)).collect();
        self.unlimited += u64::from(applying.is_empty());
        let is_admitted = enforce(&mut applying, request, now, line);
        self.refused += u64::from(!is_admitted);
        if !is_admitted {
            return;
        }
        for rule in applying.iter_mut().filter(|rule| rule.is_shadow) {
            let key = rule.key_of(request);
            let fits = key.fits(now);
            if fits {
                key.models.iter_mut().for_each(|model| model.take(now));
            }
            key.count(!fits, line);
        }
        for rule in applying.iter_mut().filter(|rule| !rule.is_shadow) {
            if rule.charge_on.is_some_and(|status| status != request.status) {
                rule.key_of(request).models.iter_mut().for_each(Model::give_back);
            }
        }
    }
}

/// Asks the rules that are enforced: all are charged or none.
fn enforce(applying: &mut [&mut Rule], request: &Request, now: u128, line: u64) -> bool {
    let mut rules: Vec<_> = applying.iter_mut().filter(|rule| !rule.is_shadow).collect();
    let rests = rules.iter_mut().enumerate().map(|(place, rule)| {
        let rest = rule.key_of(request).blocked_until.saturating_sub(now);
        (rest, place)
    });
    if let Some((_, blocking)) = rests.max().filter(|(rest, _)| *rest > 0) {
        for (place, rule) in rules.iter_mut().enumerate() {
            rule.key_of(request).count(place == blocking, line);
        }
        return false;
    }
    let fit: Vec<bool> = rules.iter_mut().map(|rule| rule.key_of(request).fits(now)).collect();
    let is_admitted = fit.iter().all(|fits| *fits);
    for (rule, fits) in rules.iter_mut().zip(fit) {
        let tiers = rule.block.clone();
        let key = rule.key_of(request);
        key.count(!fits, line);
        if is_admitted {
            key.models.iter_mut().for_each(|model| model.take(now));
        } else if !fits {
            key.strike(now, &tiers);
        }
    }
    is_admitted
}
