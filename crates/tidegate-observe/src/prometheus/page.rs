//! Families of numbers that were counted elsewhere, in the terms of `prometheus-client`.
//!
//! Knows nothing of what is measured.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// Names and values of a sample's labels.
pub(super) type Labels<'l, const N: usize> = [(&'l str, &'l str); N];

/// A page, written family by family.
pub(super) struct Page<'e>(DescriptorEncoder<'e>);

impl<'e> Page<'e> {
    pub(super) const fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// A number that only grows; the format puts `_total` behind `name`.
    pub(super) fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        write_count(&mut self.family(name, help, MetricType::Counter)?, count)
    }

    /// Numbers that only grow.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        for (labels, count) in samples {
            write_count(&mut family.encode_family(&labels)?, count)?;
        }
        Ok(())
    }

    /// A number that comes and goes.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: &impl EncodeGaugeValue,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge)?.encode_gauge(value)
    }

    /// Numbers that come and go.
    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        for (labels, count) in samples {
            family.encode_family(&labels)?.encode_gauge(&count)?;
        }
        Ok(())
    }

    /// How many values were up to each bound and above the one before; the last bound is infinite.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        sum: f64,
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        let all = buckets.iter().map(|(_, count)| count).sum();
        let mut family = self.family(name, help, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, all, buckets, None)
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}

fn write_count(sample: &mut MetricEncoder<'_>, count: u64) -> fmt::Result {
    sample.encode_counter::<NoLabelSet, u64, u64>(&count, None)
}
