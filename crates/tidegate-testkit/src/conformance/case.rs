//! All cases, and how they are run.

use std::{
    any::Any,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use tidegate_core::Limit;

use super::{
    Subject, adjusted, changes, cost, each, flight, histories, quota,
    scene::Scene,
    several,
    sort::{self, Sort},
    tables, time,
};

/// One property, of one limit or of several together.
#[derive(Debug)]
pub struct Case {
    name: String,
    sorts: Vec<&'static Sort>,
    prove: Proof,
}

type Proof = fn(&Scene<'_>);
type Named = (&'static str, Proof);

impl Case {
    fn new((property, prove): Named, sorts: &[&'static Sort]) -> Self {
        let texts: Vec<&str> = sorts.iter().map(|sort| sort.text).collect();
        let about =
            if sorts.len() > 2 { format!("{} limits", sorts.len()) } else { texts.join(" and ") };
        Self { name: format!("{property}, {about}"), sorts: sorts.to_vec(), prove }
    }

    /// What is to hold, and of which limits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The limits that the case needs, as they are written.
    pub fn limits(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.sorts.iter().map(|sort| sort.text)
    }
}

/// What became of all cases. None failed, or there would be no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many cases ran.
    pub ran: usize,
    /// The cases that did not run, each with the limit that the store does not support.
    pub unsupported: Vec<(String, String)>,
}

impl Outcome {
    /// The limits that the store does not support, in the order of the alphabet.
    #[must_use]
    pub fn unsupported_limits(&self) -> Vec<&str> {
        let limits: BTreeSet<&str> =
            self.unsupported.iter().map(|(_, limit)| limit.as_str()).collect();
        limits.into_iter().collect()
    }
}

macro_rules! named {
    ($($module:ident: $($property:ident),+;)+) => {
        &[$($((stringify!($property), $module::$property as Proof)),+),+]
    };
}

/// What must hold of every sort of limit.
const OF_EACH: &[Named] = named! {
    quota: admits_exactly_one_burst, a_burst_may_come_as_one_request,
        time_zero_is_a_time_like_any_other, subjects_do_not_share,
        rules_and_positions_do_not_share, a_rested_key_banks_one_burst;
    time: retry_after_is_exact, remaining_is_exact, next_unit_after_is_exact,
        reset_after_is_exact, time_running_backwards_gives_nothing;
    cost: a_cost_above_capacity_never_passes, a_cost_of_zero_takes_nothing, a_denial_is_free,
        a_peek_takes_nothing, a_peek_decides_as_the_check_does;
    changes: a_refund_gives_back_what_was_taken, a_part_of_a_charge_can_be_given_back,
        a_refund_never_makes_a_key_fuller_than_a_rested_one,
        a_refund_to_a_rested_key_is_lost, a_debit_takes_what_is_not_there, debt_is_bounded,
        settling_leaves_the_actual_cost, a_reset_forgets,
        several_adjustments_come_one_after_the_other;
    each: many_requests_of_one_key_come_one_after_the_other, many_keys_are_each_their_own,
        verdicts_alone_take_the_same;
    tables: answers_as_the_table_says;
    histories: any_history_agrees_with_the_core, any_history_agrees_with_the_model;
};

/// What must hold of any two limits on one request, also of two that are alike.
const OF_PAIRS: &[Named] = named! {
    several: all_pay_when_all_pass, nobody_pays_when_one_refuses, every_refusal_is_reported,
        a_cost_that_never_passes_stops_the_others, together_admit_what_the_smallest_admits,
        the_same_subject_under_two_limits_has_two_counts;
};

/// What must hold of many limits together.
const OF_CROWDS: &[Named] = named! {
    several: all_pay_when_all_pass, nobody_pays_when_one_refuses, every_refusal_is_reported,
        a_cost_that_never_passes_stops_the_others, together_admit_what_the_smallest_admits,
        the_same_subject_under_two_limits_has_two_counts;
    each: limits_may_be_mixed;
    histories: any_history_of_several_charges_agrees;
};

/// What must hold of two limits whose states are laid out differently.
const OF_LAYOUTS: &[Named] = named! { several: one_algorithm_never_reads_anothers_state; };
const LAYOUTS: [&Sort; 5] = [&sort::GCRA, &sort::QUEUE, &sort::FIXED, &sort::COUNTER, &sort::LOG];

/// What must hold of the log, so that requests in flight can be counted by it.
const OF_LOG: &[Named] = named! {
    flight: a_charge_in_the_midst_can_be_given_back, what_begins_and_ends_is_counted_exactly,
        what_never_ends_is_over_after_one_window;
};

const OF_CHANGES: &[Named] = named! { adjusted: changes_as_the_table_says; };
const OF_NONE: &[Named] = named! { quota: a_limit_of_zero_admits_nothing; };
const OF_ODD: &[Named] = named! { time: odd_intervals_are_never_fast; };
const OF_NOTHING: &[Named] = named! { several: a_request_without_charges_has_no_decisions; };

/// Every case. A store runs all of them, or is told which it did not.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let mut cases = Vec::new();
    let mut add = |properties: &[Named], sorts: &[&'static Sort]| {
        cases.extend(properties.iter().map(|&property| Case::new(property, sorts)));
    };
    for sort in sort::ALL {
        add(OF_EACH, &[sort]);
    }
    for sort in adjusted::SORTS {
        add(OF_CHANGES, &[sort]);
    }
    for (index, first) in sort::ALL.into_iter().enumerate() {
        for second in &sort::ALL[index..] {
            add(OF_PAIRS, &[first, second]);
        }
    }
    for (index, first) in LAYOUTS.into_iter().enumerate() {
        for second in &LAYOUTS[index + 1..] {
            add(OF_LAYOUTS, &[first, second]);
        }
    }
    add(OF_LOG, &[&sort::LOG]);
    add(OF_CROWDS, &sort::ALL);
    // All that a store of small states of fixed size can hold.
    add(OF_CROWDS, &sort::ALL[..8]);
    add(OF_NONE, &[&sort::NONE]);
    add(OF_ODD, &[&sort::ODD]);
    add(OF_NOTHING, &[]);
    cases
});

/// Runs every case that `subject` supports the limits of.
///
/// # Panics
///
/// When a case fails, after all have run; the message names each that failed.
pub fn run(subject: &dyn Subject) -> Outcome {
    run_but(subject, &[])
}

/// Runs every case but those named, about which the store's own test has to say why.
///
/// # Panics
///
/// As [`run`], and when there is no case of such a name.
pub fn run_but(subject: &dyn Subject, left_out: &[&str]) -> Outcome {
    for name in left_out {
        assert!(CASES.iter().any(|case| case.name == *name), "there is no case `{name}`");
    }
    let mut outcome = Outcome { ran: 0, unsupported: Vec::new() };
    let mut failed = Vec::new();
    for case in CASES.iter().filter(|case| !left_out.contains(&case.name.as_str())) {
        let limits: Vec<Limit> = case.limits().map(parse).collect();
        let supported = |(limit, _): &(&Limit, _)| subject.supports(limit);
        let mut pairs = limits.iter().zip(case.limits());
        if let Some((_, text)) = pairs.find(|pair| !supported(pair)) {
            outcome.unsupported.push((case.name.clone(), text.to_owned()));
            continue;
        }
        outcome.ran += 1;
        let scene = Scene { subject, name: &case.name, sorts: &case.sorts, limits: &limits };
        // A store that is half changed when a case fails may fail more of them, and no less.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (case.prove)(&scene))) {
            failed.push(format!("{}: {}", case.name, message(&*panic)));
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    outcome
}

fn parse(text: &str) -> Limit {
    text.parse().expect("the suite's limits make sense")
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic without words")
}
