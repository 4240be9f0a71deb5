//! Counts of attacks and of what followed, and the page that tells them.

use crate::finding::Finding;
use anyhow::{Context, Result, ensure};
use pyheap_tests::Verdict;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

/// What one attack did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether it came to what was meant: a dump may end before the moment that was chosen.
    pub reached: bool,
    /// Whether a breakpoint stood in the target's code at that moment.
    pub in_breakpoint: bool,
    /// What is wrong afterwards.
    pub findings: Vec<Finding>,
}

/// A row of the table: attacks of one sort.
#[derive(Debug, Default)]
pub struct Row {
    /// What was attacked and how, a cell each.
    pub title: Vec<String>,
    /// Whether it is there for comparison, without pyheap: it counts in no sum.
    pub comparison: bool,
    tried: usize,
    reached: usize,
    lost: usize,
    lost_in_breakpoint: usize,
    findings: BTreeMap<Finding, usize>,
    skipped: Option<String>,
}

impl Row {
    /// No attacks yet.
    pub fn new(title: &[&str]) -> Self {
        Self { title: title.iter().map(|&cell| cell.to_owned()).collect(), ..Self::default() }
    }

    /// Attacks that this machine cannot try.
    pub fn skipped(title: &[&str], reason: &str) -> Self {
        Self { skipped: Some(reason.to_owned()), ..Self::new(title) }
    }

    /// Attacks that could not be carried out as they should: that counts as a loss.
    pub fn fail(&mut self, reason: &str) {
        self.add(&Outcome { findings: vec![Finding::Result(reason.to_owned())], ..Outcome::default() });
    }

    /// Counts one.
    pub fn add(&mut self, outcome: &Outcome) {
        self.tried += 1;
        self.reached += usize::from(outcome.reached);
        if outcome.findings.iter().any(Finding::is_loss) {
            if outcome.in_breakpoint {
                self.lost_in_breakpoint += 1;
            } else {
                self.lost += 1;
            }
        }
        let mut findings = outcome.findings.clone();
        findings.sort();
        findings.dedup();
        for finding in findings {
            *self.findings.entry(finding).or_default() += 1;
        }
    }

    /// Attacks that lost the target at a moment at which no breakpoint stood in its code.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// Dumps that should have succeeded and did not.
    pub fn undumped(&self) -> usize {
        let without = self.findings.iter().filter(|(finding, _)| matches!(finding, Finding::NoDump(_)));
        without.map(|(_, count)| count).sum()
    }

    /// Attacks.
    pub fn tried(&self) -> usize {
        self.tried
    }

    /// What was found, with its count.
    pub fn found(&self) -> String {
        if let Some(reason) = &self.skipped {
            return format!("skipped: {reason}");
        }
        let findings: Vec<_> =
            self.findings.iter().map(|(finding, count)| format!("{count} × {finding}")).collect();
        findings.join(", ")
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = self.title.clone();
        let count = |number: usize| if self.skipped.is_some() { "-".to_owned() } else { number.to_string() };
        cells.extend([self.tried, self.reached, self.lost, self.lost_in_breakpoint].map(count));
        cells.push(self.found());
        cells
    }
}

/// A part of the page.
#[derive(Debug)]
pub struct Table {
    /// Under which the page keeps it.
    pub name: &'static str,
    /// Heading.
    pub heading: &'static str,
    /// What is done, in a paragraph.
    pub text: String,
    /// Headings of the columns that rows name by their titles.
    pub columns: Vec<&'static str>,
    /// Attacks.
    pub rows: Vec<Row>,
}

impl Table {
    /// Attacks that lost the target.
    pub fn lost(&self) -> usize {
        self.rows.iter().filter(|row| !row.comparison).map(Row::lost).sum()
    }

    /// Dumps that should have succeeded and did not.
    pub fn undumped(&self) -> usize {
        self.rows.iter().map(Row::undumped).sum()
    }

    /// A test's verdict on it.
    ///
    /// # Errors
    /// A target was lost, or a dump that should have succeeded did not.
    pub fn verdict(&self) -> Result<Verdict> {
        ensure!(
            self.lost() == 0 && self.undumped() == 0,
            "{} targets were lost, {} dumps failed:\n{}",
            self.lost(),
            self.undumped(),
            self.markdown()
        );
        Ok(Verdict::Passed)
    }

    fn markdown(&self) -> String {
        let mut columns = self.columns.clone();
        columns.extend(["tried", "reached", "lost", "lost at a breakpoint", "found"]);
        let mut text = format!("## {}\n\n{}\n\n", self.heading, self.text);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text += &line(&columns.iter().map(|&column| column.to_owned()).collect::<Vec<_>>());
        let rule = |column: usize| {
            if column < self.columns.len() || column + 1 == columns.len() { "---" } else { "---:" }
        };
        text += &line(&(0..columns.len()).map(|column| rule(column).to_owned()).collect::<Vec<_>>());
        for row in &self.rows {
            text += &line(&row.cells());
        }
        let counted = || self.rows.iter().filter(|row| !row.comparison);
        let tried: usize = counted().map(Row::tried).sum();
        let at_breakpoint: usize = counted().map(|row| row.lost_in_breakpoint).sum();
        let _ = writeln!(
            text,
            "\n{tried} attacks, {} targets lost, {at_breakpoint} more at a moment at which a breakpoint stood in their code.",
            self.lost()
        );
        text
    }

    /// Writes it into docs/harmless.md.
    ///
    /// # Errors
    /// As for [`publish`].
    pub fn publish(&self) -> Result<()> {
        publish(self.name, &self.markdown())
    }

    /// The table for a terminal.
    pub fn print(&self) {
        println!("{}", self.markdown());
    }
}

/// Writes a part of docs/harmless.md in place of what stood there under its name.
///
/// # Errors
/// The page cannot be read or written.
pub fn publish(name: &str, text: &str) -> Result<()> {
    let path = pyheap_tests::project().join("docs/harmless.md");
    let begin = format!("<!-- {name} -->\n");
    let end = format!("<!-- end of {name} -->\n");
    let old = fs::read_to_string(&path).context("docs/harmless.md")?;
    let block = format!("{begin}{text}{end}");
    let new = match (old.split_once(&begin), old.split_once(&end)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{block}{after}"),
        _ => format!("{old}\n{block}"),
    };
    fs::write(path, new)?;
    Ok(())
}
