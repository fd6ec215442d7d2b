//! Number formats of tables. A missing value is a dash.

use super::groups::Mean;

pub const DASH: &str = "\u{2013}";

/// The unit of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Between 0 and 1: `.8401`.
    Share,
    /// A loss: `1.5346`.
    Nats,
    /// `6.80`
    Perplexity,
    /// A large count: `60.0 M`.
    Count,
    /// All digits: `110,400`.
    Exact,
    /// `3,843 s`, `4 h 12 min`
    Seconds,
    /// Tokens per second.
    Rate,
}

/// A value, or a dash.
pub fn value(unit: Unit, value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return DASH.to_owned();
    };
    match unit {
        Unit::Share => share(value),
        Unit::Nats => format!("{value:.4}"),
        Unit::Perplexity => format!("{value:.3}"),
        Unit::Count if value >= 1e6 => format!("{:.2} M", value / 1e6),
        Unit::Count if value >= 1e4 => format!("{:.1} k", value / 1e3),
        Unit::Count | Unit::Exact | Unit::Rate => thousands(value),
        Unit::Seconds if value >= 5400.0 => {
            let minutes = (value / 60.0).round();
            format!(
                "{:.0} h {:02.0} min",
                (minutes / 60.0).floor(),
                minutes % 60.0
            )
        }
        Unit::Seconds if value >= 300.0 => format!("{:.0} min", value / 60.0),
        Unit::Seconds => format!("{value:.0} s"),
    }
}

/// A mean with its confidence interval, if there is one.
pub fn mean(unit: Unit, figure: Option<Mean>) -> String {
    let Some(Mean { mean, half }) = figure else {
        return DASH.to_owned();
    };
    match half {
        Some(half) if !matches!(unit, Unit::Count | Unit::Seconds | Unit::Exact) => {
            format!(
                "{} \u{b1} {}",
                value(unit, Some(mean)),
                value(unit, Some(half))
            )
        }
        _ => value(unit, Some(mean)),
    }
}

fn share(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.strip_prefix("0.") {
        Some(decimals) => format!(".{decimals}"),
        None => text.replacen("-0.", "\u{2212}.", 1),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", &*digits), |d| ("\u{2212}", d));
    let groups: Vec<&str> = (0..digits.len())
        .filter(|&k| k == 0 || (digits.len() - k) % 3 == 0)
        .zip((1..=digits.len()).filter(|&k| k == digits.len() || (digits.len() - k) % 3 == 0))
        .map(|(from, to)| &digits[from..to])
        .collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (unit, given, expected) in [
            (Unit::Share, 0.840_12, ".8401"),
            (Unit::Share, 1.0, "1.0000"),
            (Unit::Share, -0.01, "\u{2212}.0100"),
            (Unit::Exact, 1_234_567.0, "1,234,567"),
            (Unit::Exact, 12.0, "12"),
            (Unit::Count, 60_000_000.0, "60.00 M"),
            (Unit::Seconds, 15_120.0, "4 h 12 min"),
            (Unit::Seconds, f64::NAN, DASH),
        ] {
            assert_eq!(value(unit, Some(given)), expected);
        }
        let seeds = Mean::of(&[0.5, 0.5]);
        assert_eq!(mean(Unit::Share, seeds), ".5000 \u{b1} .0000");
        assert_eq!(mean(Unit::Share, None), DASH);
    }
}
