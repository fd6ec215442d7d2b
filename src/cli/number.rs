//! Numeric option values.

use std::ops::RangeBounds;
use std::str::FromStr;

/// A parser of numbers in `range`. Its error says what was `expected`.
pub(super) fn number<T: FromStr + PartialOrd>(
    range: impl RangeBounds<T> + Clone + Send + Sync + 'static,
    expected: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number: Option<T> = text.parse().ok();
        let number = number.filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_range_are_refused() {
        let parse = number(0.5..=2.0, "a number from 0.5 to 2");
        assert_eq!(parse("0.5"), Ok(0.5));
        for wrong in ["", "x", "nan", "inf", "-1", "2.1"] {
            assert_eq!(parse(wrong).unwrap_err(), "expected a number from 0.5 to 2");
        }
    }
}
