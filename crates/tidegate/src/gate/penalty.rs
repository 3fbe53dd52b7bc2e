//! Blocks after a breach, kept in the same store as the counts.
//!
//! Made of counters that every store has. A *claim* picks one of several requests that go over
//! the limit at the same time; *strikes* leak away one by one; and each tier has a counter that
//! holds one unit for as long as the tier lasts: whoever has taken it is blocked.

use std::{sync::Arc, time::Duration};

use tidegate_core::{Change, Limit, grammar::Limits};

use crate::{
    Block, Clock, Error, Rule, Store,
    engine::{Engine, Mode},
    rules::Rules,
};

/// Where the numbers of these counters begin, above those of a rule's own limits.
const FIRST: u32 = 1 << 16;

/// The penalty of one rule.
pub(super) struct Penalty {
    claim: Arc<Engine>,
    strikes: Arc<Engine>,
    /// One limit for each tier.
    blocks: Arc<Engine>,
    tiers: Vec<Duration>,
    extend_on_attempt: bool,
}

impl Penalty {
    pub(super) fn new(
        rule: &Rule,
        block: &Block,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let most = u32::try_from(block.tiers.len()).unwrap_or(u32::MAX);
        let engine = |first: u32, limits: Limits| {
            let rule = Rule { cost: 1, lease: None, ..Rule::new(rule.name.clone(), limits) }
                .on_store_error(rule.on_store_error);
            let rules = Rules::counting_from(first, vec![rule])?;
            Ok::<_, Error>(Engine::new(rules, Arc::clone(store), Arc::clone(clock)))
        };
        let tiers = block.tiers.iter().map(|&tier| one_per(tier)).collect::<Result<Vec<_>, _>>()?;
        let strikes = per(most, block.decay.saturating_mul(most))?;
        Ok(Self {
            claim: engine(FIRST, one_per(block.tiers[0])?)?,
            strikes: engine(FIRST + 1, strikes)?,
            blocks: engine(FIRST + 2, joined(&tiers)?)?,
            tiers: block.tiers.clone(),
            extend_on_attempt: block.extend_on_attempt,
        })
    }

    /// How much longer `subject` is blocked, if it is; an attempt may start the block anew.
    pub(super) fn rest(&self, subject: &[u8], is_attempt: bool) -> Result<Option<Duration>, Error> {
        let found = self.blocks.decide(Mode::Peek, Some(1), |_| subject)?;
        let Some(rest) = found.retry_after.filter(|_| !found.allowed && !found.degraded) else {
            return Ok(None);
        };
        if !is_attempt || !self.extend_on_attempt {
            return Ok(Some(rest));
        }
        // The longest tier that is not over is the one that blocks.
        let running = found.answers().iter().rposition(|answer| !answer.is_allowed());
        let tier = running.unwrap_or_default();
        self.blocks.adjust_one(tier, subject, Change::Reset)?;
        self.blocks.adjust_one(tier, subject, Change::Debit { cost: 1 })?;
        Ok(Some(self.tiers[tier]))
    }

    /// Blocks `subject`, which has just gone over the limit; tells for how long.
    pub(super) fn strike(&self, subject: &[u8]) -> Result<Option<Duration>, Error> {
        let claim = self.claim.decide(Mode::Check, None, |_| subject)?;
        if claim.degraded {
            return Ok(None);
        }
        if !claim.allowed {
            // Another request at the same moment was quicker, and this one is blocked with it.
            return self.rest(subject, false);
        }
        let strikes = self.strikes.decide(Mode::Peek, Some(0), |_| subject)?;
        let before = usize::try_from(strikes.limit - strikes.remaining).unwrap_or(usize::MAX);
        let tier = before.min(self.tiers.len() - 1);
        self.blocks.adjust_one(tier, subject, Change::Debit { cost: 1 })?;
        if before < self.tiers.len() {
            self.strikes.adjust_one(0, subject, Change::Debit { cost: 1 })?;
        }
        Ok(Some(self.tiers[tier]))
    }

    /// Forgets blocks and strikes of `subject`.
    pub(super) fn forgive(&self, subject: &[u8]) -> Result<(), Error> {
        for engine in [&self.blocks, &self.strikes, &self.claim] {
            engine.adjust(subject, None, |_| Change::Reset)?;
        }
        Ok(())
    }
}

fn one_per(time: Duration) -> Result<Limits, Error> {
    per(1, time)
}

fn per(units: u32, time: Duration) -> Result<Limits, Error> {
    Ok(format!("gcra: {units}/{}ns", time.as_nanos()).parse()?)
}

fn joined(limits: &[Limits]) -> Result<Limits, Error> {
    let all: Vec<String> = limits.iter().flat_map(Limits::iter).map(Limit::to_string).collect();
    Ok(all.join("; ").parse()?)
}
