//! What a configuration may say and probably does not mean: limits that are never reached.

use tidegate_core::{Limit, algorithm::Kind};

use super::{build::Builder, schema::Apply, schema::Config, tree::Path};
use crate::{Key, Match, Rule};

/// Says which limits another, stricter one keeps from ever being reached.
pub(super) fn dominated(builder: &mut Builder<'_>, config: &Config, rules: &[Rule]) {
    for (index, rule) in rules.iter().enumerate() {
        let limits = rule.limits().as_slice();
        for (position, limit) in limits.iter().enumerate() {
            let is_applied = |other: usize| config.rules[other].apply == config.rules[index].apply;
            let stricter = rules.iter().enumerate().find_map(|(other, it)| {
                if other == index {
                    let others = limits.iter().enumerate();
                    let mut others = others.filter(|&(at, _)| at != position);
                    return others
                        .find(|&(at, it)| {
                            implies(it, limit) && (at < position || !implies(limit, it))
                        })
                        .map(|(_, it)| (rule, it));
                }
                let may = is_applied(other)
                    && config.rules[index].apply == Apply::Requests
                    && covers(it, rule)
                    && (!covers(rule, it) || other < index);
                let mut limits = it.limits().iter().filter(|_| may);
                limits.find(|it| implies(it, limit)).map(|limit| (it, limit))
            });
            if let Some((by, stricter)) = stricter {
                let whose = if by.name() == rule.name() {
                    "of the same rule".to_owned()
                } else {
                    format!("of rule `{}`", by.name())
                };
                let message = format!(
                    "{limit} is never reached, because {stricter} {whose} is stricter; leave out one of the two"
                );
                let path = Path::default().key("rules").index(index).key("limit");
                builder.warn(&path, message);
            }
        }
    }
}

/// Whether `wide` counts at least what `narrow` counts, in counters at least as full, and refuses.
fn covers(wide: &Rule, narrow: &Rule) -> bool {
    let refuses = !wide.shadow || narrow.shadow;
    let charges = wide.cost >= narrow.cost && wide.charge_on.is_none();
    let parts = |rule: &Rule| {
        let parts = rule.key.parts().to_vec();
        parts.into_iter().filter(|part| *part != Key::Global).collect::<Vec<_>>()
    };
    let narrow_parts = parts(narrow);
    refuses
        && charges
        && !wide.key_lists.exempts()
        && parts(wide).iter().all(|part| narrow_parts.contains(part))
        && matches_more(&wide.applies, &narrow.applies)
}

/// Whether every request that `narrow` matches is plainly one that `wide` matches.
fn matches_more(wide: &Match, narrow: &Match) -> bool {
    let wider = |wide: &Vec<String>, narrow: &Vec<String>| {
        wide.is_empty() || !narrow.is_empty() && narrow.iter().all(|it| wide.contains(it))
    };
    wider(&wide.paths, &narrow.paths)
        && wider(&wide.routes, &narrow.routes)
        && wider(&wide.methods, &narrow.methods)
        && wider(&wide.hosts, &narrow.hosts)
        && wide.exclude.iter().all(|it| narrow.exclude.contains(it))
}

/// Whether what `strict` lets pass is always little enough for `loose`. When in doubt, no.
fn implies(strict: &Limit, loose: &Limit) -> bool {
    let (strict_spec, loose_spec) = (strict.spec(), loose.spec());
    let is_plain = strict.calendar_period().is_none() && loose.calendar_period().is_none();
    if !is_plain || strict_spec.algorithm != loose_spec.algorithm {
        return false;
    }
    let (short, long) = (loose_spec.window().0, strict_spec.window().0);
    let (few, many) = (u128::from(strict_spec.limit), u128::from(loose_spec.limit));
    match strict_spec.algorithm {
        Kind::Gcra | Kind::TokenBucket | Kind::LeakyBucket => {
            strict.capacity() <= loose.capacity()
                && many * u128::from(long) >= few * u128::from(short)
        }
        Kind::SlidingWindowLog => long >= short && few <= many,
        // Windows that do not begin together can overlap two of the other's.
        Kind::FixedWindow | Kind::SlidingWindowCounter => long.is_multiple_of(short) && few <= many,
    }
}
