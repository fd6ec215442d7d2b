//! Tables of metrics, one column per model variant.

use std::fmt::Write;

use minicopilot::metrics::Figures;

/// A table with one row per metric and one named column per variant; a dash marks a missing value.
pub fn table(columns: &[(&str, &Figures)]) -> String {
    let heads: String = columns
        .iter()
        .map(|(name, _)| format!("{name:>width$}", width = width(name)))
        .collect();
    let mut table = format!("{:<30}{heads}\n", "context");
    let rows: Vec<_> = columns.iter().map(|(_, figures)| figures.rows()).collect();
    for (row, &(name, _)) in rows[0].iter().enumerate() {
        let digits = if name == "targets" { 0 } else { 4 };
        let cells = rows.iter().zip(columns).map(|(column, (name, _))| {
            let width = width(name);
            match column[row].1 {
                Some(value) => format!("{value:>width$.digits$}"),
                None => format!("{:>width$}", "-"),
            }
        });
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{name:<30}{}", cells.collect::<String>());
    }
    table
}

/// Width of the column `name`.
pub fn width(name: &str) -> usize {
    10.max(name.chars().count() + 2)
}
