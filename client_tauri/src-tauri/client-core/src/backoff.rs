//! Growing, randomised pauses between attempts, so that a thousand clients do not come back to a server all at once.

use std::time::Duration;

/// The pause after so many failures in a row (1 is the first): it doubles from `first` up to `longest`, and is then
/// anything between half of it and all of it.
pub(crate) fn pause(failures: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = first.saturating_mul(1_u32 << failures.saturating_sub(1).min(16));
    let whole = doubled.min(longest);
    whole.mul_f64(0.5 + 0.5 * chance())
}

/// Anything from 0 up to 1.
fn chance() -> f64 {
    // Without chance to be had (which no system we know does) everybody waits the same.
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_grows_and_has_a_bound(failures in 1_u32..100) {
            let (first, longest) = (Duration::from_millis(500), Duration::from_secs(15));
            let one = pause(failures, first, longest);
            prop_assert!(one >= first / 2 && one <= longest);
            if failures > 6 {
                prop_assert!(one >= longest / 2);
            }
        }
    }
}
