//! Figures, their limits and ratios, as a table.
#![forbid(unsafe_code)]

use comfy_table::{CellAlignment, Table, presets};

/// One measured quantity.
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// Median of the runs.
    pub median: f64,
    /// Worst of the runs.
    pub worst: f64,
    /// Unit of both.
    pub unit: &'static str,
    /// What it must keep.
    pub limit: Limit,
    /// What to compare it with: a figure of the same run, and what that is.
    pub baseline: Option<(f64, &'static str)>,
}

/// A limit, in the figure's unit.
pub enum Limit {
    /// The median must not be above.
    AtMost(f64),
    /// The median must not be below.
    AtLeast(f64),
    /// Only stated.
    None,
}

impl Figure {
    /// From the values of all runs; `None` without any.
    pub fn of(name: &'static str, unit: &'static str, mut values: Vec<f64>, limit: Limit) -> Self {
        values.sort_by(f64::total_cmp);
        let median = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
        let worst = match limit {
            Limit::AtLeast(_) => values.first(),
            Limit::AtMost(_) | Limit::None => values.last(),
        };
        Self { name, median, worst: worst.copied().unwrap_or(f64::NAN), unit, limit, baseline: None }
    }

    /// Adds what to compare it with.
    pub fn against(mut self, value: f64, what: &'static str) -> Self {
        self.baseline = Some((value, what));
        self
    }

    fn kept(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.median <= limit,
            Limit::AtLeast(limit) => self.median >= limit,
            Limit::None => true,
        }
    }
}

/// Prints the table; returns whether all limits were kept.
pub fn print(figures: &[Figure]) -> bool {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["figure", "median", "worst", "unit", "limit", "kept", "compared with"]);
    for column in 1..=2 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for figure in figures {
        let limit = match figure.limit {
            Limit::AtMost(limit) => format!("≤ {limit}"),
            Limit::AtLeast(limit) => format!("≥ {limit}"),
            Limit::None => String::new(),
        };
        let kept = match (&figure.limit, figure.kept()) {
            (Limit::None, _) => "",
            (_, true) => "yes",
            (_, false) => "NO",
        };
        let compared = figure
            .baseline
            .map(|(value, what)| {
                format!("{:.2} × {what} ({value:.2} {})", figure.median / value, figure.unit)
            })
            .unwrap_or_default();
        table.add_row([
            figure.name.to_owned(),
            format!("{:.2}", figure.median),
            format!("{:.2}", figure.worst),
            figure.unit.to_owned(),
            limit,
            kept.to_owned(),
            compared,
        ]);
    }
    println!("{table}");
    figures.iter().all(Figure::kept)
}
