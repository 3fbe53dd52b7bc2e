//! Asks and fixes as the scripts' keys and arguments.

use tidegate_core::{
    Change, Nanos, Program,
    algorithm::{Gcra, LeakyQueue},
};
use tidegate_remote::{Ask, AskKind, Counter, Fix};

use crate::{
    packer::Packer,
    program::{MICRO, unit},
    script::{ADJUST, By, CHECK},
};

/// Words of an ask before its counters, and of each counter.
const HEAD: usize = 2;
const COUNTER: usize = 5;
/// Words of an ask in a call of nothing but quick ones.
const QUICK: usize = 3;

/// Writes one call that decides `asks`, in order.
pub(crate) fn check<'a>(
    packer: &mut Packer,
    by: By,
    prefix: &str,
    asks: impl ExactSizeIterator<Item = &'a Ask> + Clone,
) {
    let keys = asks.clone().map(|ask| ask.counters.len()).sum();
    let all_quick = asks.clone().all(|ask| quick(ask).is_some());
    let words = if all_quick { QUICK * keys } else { HEAD * asks.len() + COUNTER * keys };
    CHECK.begin(packer, by, keys, words);
    for counter in asks.clone().flat_map(|ask| &ask.counters) {
        packer.joined(prefix.as_bytes(), counter.name.as_ref());
    }
    if all_quick {
        for (fill_time, price, count) in asks.filter_map(quick) {
            packer.number(count.into());
            packer.number(fill_time);
            packer.number(price);
        }
        return;
    }
    for ask in asks {
        packer.number(wanted(ask).into());
        packer.number(ask.counters.len() as u64);
        for counter in &ask.counters {
            write_counter(packer, counter);
        }
    }
}

/// Fill time, price and number of an ask's requests, if it is of the usual kind, which the script
/// decides first and at less cost: one GCRA counter, the server's clock, nanoseconds.
fn quick(ask: &Ask) -> Option<(u64, u64, u32)> {
    let [counter] = ask.counters.as_slice() else { return None };
    let Program::Gcra(gcra) = &counter.program else { return None };
    let fill_time = gcra.fill_time();
    if counter.at.is_some() || unit(fill_time) != 1 {
        return None;
    }
    Some((fill_time.0, price(gcra.emission_interval(), counter.cost, 1), wanted(ask)))
}

/// How many requests the script is to take: none of a peek, and none of a request that costs
/// more than can ever pass.
fn wanted(ask: &Ask) -> u32 {
    let never = ask.counters.iter().any(|counter| counter.cost > counter.program.capacity());
    if never || ask.kind == AskKind::Peek { 0 } else { ask.count }
}

fn write_counter(packer: &mut Packer, counter: &Counter) {
    let cost = counter.cost;
    match &counter.program {
        // Never asked; a limit that is full already answers as it would.
        Program::DenyAll => write_numbers(packer, "gcra", counter.at, [1, 0, 1]),
        Program::Gcra(gcra) => {
            let unit = unit(gcra.fill_time());
            let price = price(gcra.emission_interval(), cost, unit);
            write_numbers(packer, "gcra", counter.at, [unit, gcra.fill_time().0 / unit, price]);
        }
        Program::LeakyQueue(queue) => {
            let unit = unit(queue.fill_time());
            let patience = if cost == 0 { queue.fill_time() } else { queue.max_wait() };
            let price = price(queue.emission_interval(), cost, unit);
            write_numbers(packer, "queue", counter.at, [unit, patience.0 / unit, price]);
        }
        Program::FixedWindow(by) => {
            write_window(packer, "window", counter.at, by.limit().get(), cost, by.period());
        }
        Program::SlidingWindowCounter(by) => {
            write_window(packer, "counts", counter.at, by.limit().get(), cost, by.period());
        }
        Program::SlidingWindowLog(by) => {
            write_window(packer, "log", counter.at, by.limit().get(), cost, by.period());
        }
    }
}

fn write_window(
    packer: &mut Packer,
    kind: &str,
    at: Option<Nanos>,
    limit: u32,
    cost: u32,
    period: Nanos,
) {
    write_numbers(packer, kind, at, [limit.into(), cost.into(), period.0 / MICRO]);
}

fn write_numbers(packer: &mut Packer, kind: &str, at: Option<Nanos>, numbers: [u64; 3]) {
    packer.word(kind.as_bytes());
    write_time(packer, at);
    for number in numbers {
        packer.number(number);
    }
}

fn write_time(packer: &mut Packer, at: Option<Nanos>) {
    match at {
        Some(at) => packer.number(at.0),
        None => packer.word(b""),
    }
}

fn price(interval: Nanos, cost: u32, unit: u64) -> u64 {
    interval.saturating_mul(cost.into()).0 / unit
}

/// Writes one call or command that makes `fix`; nothing for a limit that keeps no state.
///
/// A change by no units is sent as well: it pulls back what a clock that was ahead has left.
///
/// Returns whether anything was written.
pub(crate) fn adjust(packer: &mut Packer, by: By, prefix: &str, fix: &Fix) -> bool {
    let name = fix.name.as_ref();
    let change = match fix.change {
        Change::Reset => {
            packer.begin(2);
            packer.word(b"DEL");
            packer.joined(prefix.as_bytes(), name);
            return true;
        }
        change => change,
    };
    let numbers = match &fix.program {
        Program::DenyAll => return false,
        Program::Gcra(gcra) => return adjust_gcra(packer, by, prefix, fix, gcra),
        Program::LeakyQueue(queue) => return adjust_queue(packer, by, prefix, fix, queue),
        Program::FixedWindow(window) => ("window", window.limit(), window.period()),
        Program::SlidingWindowCounter(counter) => ("counts", counter.limit(), counter.period()),
        Program::SlidingWindowLog(log) => ("log", log.limit(), log.period()),
    };
    let (kind, limit, period) = numbers;
    let Some(step) = Step::of(change) else { return false };
    let (verb, cost, charged_at) = step.parts();
    begin_adjust(packer, by, prefix, fix, kind, verb, 3 + usize::from(charged_at.is_some()));
    packer.number(limit.get().into());
    packer.number(cost.into());
    packer.number(period.0 / MICRO);
    if let Some(charged_at) = charged_at {
        packer.number(charged_at.0);
    }
    true
}

fn adjust_gcra(packer: &mut Packer, by: By, prefix: &str, fix: &Fix, gcra: &Gcra) -> bool {
    let Some(step) = Step::of(fix.change) else { return false };
    let (verb, cost, _) = step.parts();
    begin_adjust(packer, by, prefix, fix, "gcra", verb, 3);
    write_span(packer, gcra.fill_time(), gcra.emission_interval(), cost);
    true
}

fn adjust_queue(packer: &mut Packer, by: By, prefix: &str, fix: &Fix, queue: &LeakyQueue) -> bool {
    let interval = queue.emission_interval();
    let (charged_at, reserved, actual) = match fix.change {
        Change::Reset => return false,
        Change::Refund { cost, charged_at } if cost > 0 => (charged_at, cost, 0),
        Change::Settle { reserved, charged_at, actual } if actual < reserved => {
            (charged_at, reserved, actual)
        }
        change => {
            let Some(step) = Step::of(change) else { return false };
            let (verb, cost, _) = step.parts();
            begin_adjust(packer, by, prefix, fix, "queue", verb, 3);
            write_span(packer, queue.fill_time(), interval, cost);
            return true;
        }
    };
    begin_adjust(packer, by, prefix, fix, "queue", "settle", 2);
    for cost in [reserved, actual] {
        packer.number(charged_at.saturating_add(interval.saturating_mul(cost.into())).0);
    }
    true
}

/// Writes unit, furthest and price. No change moves a time further than `furthest`, so a price
/// beyond it, which might not fit, is cut there.
fn write_span(packer: &mut Packer, fill_time: Nanos, interval: Nanos, cost: u32) {
    let unit = unit(fill_time);
    let furthest = 2 * (fill_time.0 / unit);
    packer.number(unit);
    packer.number(furthest);
    packer.number(price(interval, cost, unit).min(furthest));
}

fn begin_adjust(
    packer: &mut Packer,
    by: By,
    prefix: &str,
    fix: &Fix,
    kind: &str,
    verb: &str,
    numbers: usize,
) {
    ADJUST.begin(packer, by, 1, 3 + numbers);
    packer.joined(prefix.as_bytes(), fix.name.as_ref());
    packer.word(kind.as_bytes());
    write_time(packer, fix.at);
    packer.word(verb.as_bytes());
}

/// A change, once settling is put down to what it comes to.
enum Step {
    Debit(u32),
    Refund(u32, Nanos),
}

impl Step {
    fn of(change: Change) -> Option<Self> {
        match change {
            Change::Reset => None,
            Change::Refund { cost, charged_at } => Some(Self::Refund(cost, charged_at)),
            Change::Debit { cost } => Some(Self::Debit(cost)),
            Change::Settle { reserved, charged_at, actual } => match actual.checked_sub(reserved) {
                Some(more) => Some(Self::Debit(more)),
                None => Some(Self::Refund(reserved - actual, charged_at)),
            },
        }
    }

    fn parts(self) -> (&'static str, u32, Option<Nanos>) {
        match self {
            Self::Debit(cost) => ("debit", cost, None),
            Self::Refund(cost, charged_at) => ("refund", cost, Some(charged_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use tidegate_core::Key;
    use tidegate_remote::Name;

    use super::*;

    fn words(count: u32, period: Nanos, at: Option<Nanos>) -> String {
        let gcra = Gcra::new(NonZeroU32::MIN, period);
        let name = Name::new(&Key::new("api", 1, b"ana"));
        let counter = Counter { name, program: Program::Gcra(gcra), cost: 1, at };
        let counters = [counter].into_iter().collect();
        let ask = Ask { counters, count, kind: AskKind::Check };
        let mut packer = Packer::default();
        check(&mut packer, By::Digest, "tidegate:", [&ask].into_iter());
        let words = String::from_utf8_lossy(packer.bytes()).into_owned();
        words.lines().skip(2).step_by(2).skip(3).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_usual_ask_takes_three_numbers_and_any_other_tells_all() {
        let (second, year) = (Nanos::SECOND, Nanos::from_secs(365 * 86_400));
        let name = "tidegate:{ana}:api:1";

        assert_eq!(words(7, second, None), format!("{name} 7 1000000000 1000000000"));
        assert_eq!(
            words(7, second, Some(Nanos(5))),
            format!("{name} 7 1 gcra 5 1 1000000000 1000000000")
        );
        assert_eq!(
            words(7, year, None),
            format!("{name} 7 1 gcra  1000 31536000000000 31536000000000")
        );
    }
}
