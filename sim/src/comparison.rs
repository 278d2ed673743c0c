//! Assignment policies on the same worlds: paired, so that the luck of a seed cancels out.

use serde_json::{Value, json};

use crate::figures::{Figures, Mean, NAMES};

/// One figure over all policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The figure's name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its mean under each policy.
    pub means: Vec<f64>,
    /// Mean difference of each policy beyond the first to the first, seed by seed.
    pub differences: Vec<Mean>,
}

/// A row for each figure; `runs` are `[seed][policy]`.
pub fn rows(runs: &[Vec<Figures>]) -> Vec<Row> {
    let policies = runs.first().map_or(0, Vec::len);
    let figure = |place: usize, policy: usize| {
        runs.iter().map(move |of| of[policy].all()[place]).collect::<Vec<f64>>()
    };
    let apart = |place: usize, policy: usize| {
        let (first, other) = (figure(place, 0), figure(place, policy));
        Mean::of(&other.iter().zip(first).map(|(other, first)| other - first).collect::<Vec<f64>>())
    };
    let row = |(place, (name, unit)): (usize, (&'static str, &'static str))| Row {
        name,
        unit,
        means: (0..policies).map(|policy| Mean::of(&figure(place, policy)).mean).collect(),
        differences: (1..policies).map(|policy| apart(place, policy)).collect(),
    };
    NAMES.into_iter().enumerate().map(row).collect()
}

/// The rows as a table for people. A difference of more than two standard errors has a star.
pub fn table(policies: &[&str], rows: &[Row]) -> String {
    let mut text = format!("{:<16} {:<9}", "", "");
    policies.iter().for_each(|policy| text += &format!(" {policy:>13}"));
    policies
        .iter()
        .skip(1)
        .for_each(|policy| text += &format!(" {:>25}", format!("{policy} - {}", policies[0])));
    for row in rows {
        text += &format!("\n{:<16} {:<9}", row.name, row.unit);
        row.means.iter().for_each(|mean| text += &format!(" {mean:>13.2}"));
        row.differences.iter().for_each(|mean| text += &format!(" {:>25}", difference(mean)));
    }
    text + "\n"
}

fn difference(mean: &Mean) -> String {
    let star = if mean.is_clear() { "*" } else { " " };
    mean.error
        .map_or(format!("{:+.2}  ", mean.mean), |error| format!("{:+.2} ± {error:.2} {star}", mean.mean))
}

/// The rows for programs.
pub fn to_json(policies: &[&str], rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let differences = policies.iter().skip(1).zip(&row.differences);
        json!({
            "name": row.name, "unit": row.unit,
            "mean": policies.iter().copied().zip(&row.means).collect::<std::collections::BTreeMap<_, _>>(),
            "difference": differences
                .map(|(policy, mean)| json!({ "policy": policy, "to": policies[0], "mean": mean.mean, "standard_error": mean.error }))
                .collect::<Vec<_>>(),
        })
    };
    Value::Array(rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_taken_seed_by_seed() {
        let figures = |jobs_per_hour| Figures { jobs_per_hour, ..Figures::default() };
        // The seeds differ by far more than the policies do.
        let runs = [
            vec![figures(100.0), figures(110.0)],
            vec![figures(500.0), figures(512.0)],
            vec![figures(900.0), figures(911.0)],
        ];
        let rows = rows(&runs);
        assert_eq!(rows[0].means, [500.0, 511.0]);
        assert!(rows[0].differences[0].mean == 11.0 && rows[0].differences[0].is_clear());
        let text = table(&["nearest", "matching"], &rows);
        assert!(text.contains("matching - nearest") && text.contains("+11.00 ± 0.58 *"), "{text}");
        assert_eq!(to_json(&["nearest", "matching"], &rows)[0]["difference"][0]["mean"], 11.0);
    }
}
