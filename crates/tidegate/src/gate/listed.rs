//! What is said of a request by name, before any limit is asked: of its address, and of its keys.

use tidegate_core::address::{Client as Found, ClientAddress};

use super::{Asked, Facts, Gate, lists::Listed};
use crate::{Decision, Error, key_lists::ListedKey, matching::Mask};

impl Gate {
    /// What the lists of addresses say, and who watches.
    pub(super) fn listed(&self, client: Option<&Found<'_>>) -> Option<Decision> {
        let exceptions = self.watch.as_ref().filter(|watch| watch.has_exceptions());
        if self.lists.is_empty() && exceptions.is_none() {
            return None;
        }
        let ClientAddress::Ip(address) = client?.address else { return None };
        match exceptions.and_then(|watch| watch.exception_of(address)) {
            Some(true) => return Some(Decision::uncounted()),
            Some(false) => return Some(Decision::denied_by_list()),
            None => {}
        }
        match self.lists.find(address) {
            Listed::Allowed => Some(Decision::uncounted()),
            Listed::Denied => Some(Decision::denied_by_list()),
            Listed::Neither => None,
        }
    }

    /// What somebody who watches has said of a key for now. Who is kept out by one rule is not let
    /// in by another.
    pub(super) fn excepted(&self, asked: &Asked<'_>) -> Option<Decision> {
        let keys = self.watch.as_ref()?.key_exceptions()?;
        let mut lets_in = None;
        for (&rule, subject) in asked.plan.rules.iter().zip(&asked.subjects) {
            let (rule, key) = (self.plans.rules[rule].name(), subject.as_bytes());
            match keys.find(rule, key) {
                Some(false) => {
                    return Some(Decision::denied_by_list().of_key(rule, key));
                }
                Some(true) => lets_in = Some(Decision::uncounted()),
                None => {}
            }
        }
        lets_in
    }

    /// What the rules' own lists say of their keys: a refusal, or nothing. A rule that leaves its
    /// key alone is no longer asked. One in the shadow refuses nobody: its plan looks at the list.
    pub(super) fn key_listed(
        &self,
        facts: &dyn Facts,
        asked: &mut Asked<'_>,
    ) -> Result<Option<Decision>, Error> {
        let mut alone: Mask = 0;
        for (&position, subject) in asked.plan.rules.iter().zip(&asked.subjects) {
            let (rule, key) = (&self.plans.rules[position], subject.as_bytes());
            match rule.key_lists.find(key) {
                ListedKey::Denied if !rule.shadow => {
                    return Ok(Some(Decision::denied_by_list().of_key(&rule.name, key)));
                }
                ListedKey::Exempt => alone |= 1 << position,
                ListedKey::Denied | ListedKey::Neither => {}
            }
        }
        if alone != 0 {
            // What is left stands in the same order in both plans.
            let mut rules = asked.plan.rules.iter();
            let is_left = |position: &usize| alone & 1 << position == 0;
            asked.subjects.retain(|_| rules.next().is_some_and(is_left));
            asked.plan = self.plans.find_without(alone, facts, &self.engine)?;
        }
        Ok(None)
    }
}
