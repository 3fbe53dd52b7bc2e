//! Admitted and refused over time, in bars.

/// The most stretches of time that are kept. When there are more, each two become one.
const MOST: usize = 240;

const SECOND: u64 = 1_000_000_000;

/// Counts of requests for each stretch of time, all of one length.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// When the first stretch begins, in nanoseconds since 1970.
    start: Option<u64>,
    /// Nanoseconds.
    width: u64,
    /// Admitted and refused.
    counts: Vec<(u64, u64)>,
}

/// A picture, drawn.
pub(super) struct Bars {
    /// The highest first.
    pub(super) rows: Vec<String>,
    /// When the first column begins and the last one ends, in nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Of a column.
    pub(super) seconds: u64,
    /// Requests of the highest column.
    pub(super) highest: u64,
}

impl Default for Picture {
    fn default() -> Self {
        Self { start: None, width: SECOND, counts: Vec::new() }
    }
}

impl Picture {
    pub(super) fn add(&mut self, at: u64, is_refused: bool) {
        let start = *self.start.get_or_insert(at / SECOND * SECOND);
        let mut index = at.saturating_sub(start) / self.width;
        while index >= MOST as u64 {
            self.widen();
            index = at.saturating_sub(start) / self.width;
        }
        let index = usize::try_from(index).unwrap_or(MOST - 1);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, (0, 0));
        }
        let (admitted, refused) = &mut self.counts[index];
        *if is_refused { refused } else { admitted } += 1;
    }

    fn widen(&mut self) {
        let sum = |pair: &[(u64, u64)]| pair.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        self.counts = self.counts.chunks(2).map(sum).collect();
        self.width *= 2;
    }

    /// When each stretch begins (nanoseconds since 1970), and its counts.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let start = self.start.unwrap_or_default();
        let counts = self.counts.iter().enumerate();
        counts.map(move |(index, &(admitted, refused))| {
            (start + index as u64 * self.width, admitted, refused)
        })
    }

    /// Seconds of a stretch.
    pub(super) const fn seconds(&self) -> u64 {
        self.width / SECOND
    }

    /// Bars in at most `columns`; with blocks, or in ASCII. What was refused stands on top of what
    /// was admitted, in another sign.
    pub(super) fn bars(&self, columns: usize, height: usize, is_unicode: bool) -> Bars {
        let per_column = self.counts.len().div_ceil(columns.max(1)).max(1);
        let columns: Vec<(u64, u64)> = self
            .counts
            .chunks(per_column)
            .map(|chunk| chunk.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)))
            .collect();
        let highest = columns.iter().map(|(a, r)| a + r).max().unwrap_or_default().max(1);
        let signs = if is_unicode { ('█', '░') } else { ('#', 'x') };
        let cells = |count: u64| {
            let scaled = u128::from(count) * height as u128 * 2 / u128::from(highest);
            usize::try_from(scaled.div_ceil(2)).unwrap_or(height)
        };
        let row = |level: usize| {
            let sign = |&(admitted, refused): &(u64, u64)| {
                let (low, high) = (cells(admitted), cells(admitted + refused));
                // A refusal is always seen, however few there are.
                let high = if refused > 0 { high.max(1) } else { high };
                let low = if refused > 0 { low.min(high - 1) } else { low };
                match level {
                    _ if level < low => signs.0,
                    _ if level < high => signs.1,
                    _ => ' ',
                }
            };
            columns.iter().map(sign).collect::<String>().trim_end().to_owned()
        };
        let rows = (0..height).rev().map(row).collect();
        let (start, seconds) = (self.start.unwrap_or_default(), self.seconds() * per_column as u64);
        let end = start + columns.len() as u64 * seconds * SECOND;
        Bars { rows, start, end, seconds, highest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_when_stretches_become_longer() {
        let mut picture = Picture::default();
        for second in 0..10_000 {
            picture.add((1_000_000 + second) * SECOND, second % 10 == 0);
        }
        let stretches: Vec<_> = picture.stretches().collect();
        assert!(stretches.len() <= MOST && picture.seconds() == 64);
        assert_eq!(stretches.iter().map(|it| it.1).sum::<u64>(), 9000);
        assert_eq!(stretches.iter().map(|it| it.2).sum::<u64>(), 1000);
    }

    #[test]
    fn bars_show_what_was_refused_on_top() {
        let mut picture = Picture::default();
        for (second, admitted, refused) in [(0, 4, 0), (1, 2, 2), (3, 0, 1)] {
            for count in 0..admitted + refused {
                picture.add(second * SECOND, count >= admitted);
            }
        }
        assert_eq!(picture.bars(80, 4, false).rows, ["#x", "#x", "##", "## x"]);
        assert_eq!(picture.bars(80, 2, true).rows, ["█░", "██ ░"]);
    }
}
