//! Ratios of measurements that took turns, and how well they are known.

use statrs::distribution::{Binomial, DiscreteCDF};
use statrs::statistics::{Data, Median};
use testenv::prelude::*;

/// A ratio, with bounds that contain the true median with 95 % confidence,
/// whatever the distribution.
pub struct Ratio {
    pub name: &'static str,
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Ratio {
    fn of(name: &'static str, mut values: Vec<f64>) -> Result<Self> {
        let n = values.len();
        ensure!(n >= 6, "{n} values give no bounds of a median");
        values.sort_by(f64::total_cmp);
        // Fewer than this many values are below the median in 2.5 % of all samples.
        let rank = usize::try_from(Binomial::new(0.5, n as u64)?.inverse_cdf(0.025))?;
        let (low, high) = (values[rank - 1], values[n - rank]);
        Ok(Self { name, median: median(values), low, high })
    }

    /// One for each of the names, and its values.
    pub fn of_each(names: &[&'static str], values: Vec<Vec<f64>>) -> Result<Vec<Self>> {
        let named = names.iter().zip(values);
        named.map(|(name, values)| Ratio::of(name, values)).collect()
    }

    /// As in the table.
    pub fn row(&self) -> String {
        format!("| {} | {:.3} | {:.3} to {:.3} |", self.name, self.median, self.low, self.high)
    }
}

/// Whether these may be published: the last of them, the control, contains 1,
/// and no interval is wider than this.
pub fn are_known(ratios: &[Ratio], width: f64) -> bool {
    ratios.last().is_some_and(|control| control.low <= 1.0 && control.high >= 1.0)
        && ratios.iter().all(|ratio| ratio.high - ratio.low <= width)
}

pub fn median(values: Vec<f64>) -> f64 {
    Data::new(values).median()
}

/// Measures `count` things by turns, `times` times there and back, each time from
/// another one on, so that the order cancels out. Gives for each but the last
/// its ratios to the last.
pub fn by_turns(
    times: usize,
    count: usize,
    mut measure: impl FnMut(usize) -> Result<f64>,
) -> Result<Vec<Vec<f64>>> {
    let mut ratios = vec![Vec::new(); count - 1];
    for start in 0..times {
        let mut product = vec![1.0; count];
        for turn in (0..count).chain((0..count).rev()) {
            let which = (start + turn) % count;
            product[which] *= measure(which)?;
        }
        for (ratios, value) in ratios.iter_mut().zip(&product) {
            ratios.push((value / product[count - 1]).sqrt());
        }
    }
    Ok(ratios)
}
