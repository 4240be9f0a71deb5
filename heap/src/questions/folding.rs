//! Long paths in few words: repeated steps are told once, and of what is still too long the middle is left out.

/// Steps of the longest block that is looked for again behind itself.
const LONGEST_BLOCK: usize = 8;

/// How often a block stands in a row before it is folded.
const REPEATS: usize = 4;

/// What a path is written as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a, T> {
    /// A step.
    One(&'a T),
    /// A block of steps that is repeated, and the last step of its last repetition.
    Repeated(&'a [T], &'a T),
    /// So many steps are left out.
    Middle(usize),
}

/// The parts of a path, so many at most and one for the middle. Steps are the same where `text` says the same of them;
/// a step of which it says nothing belongs to the next one.
pub(crate) fn folded<T>(steps: &[T], most: usize, text: impl Fn(&T) -> String) -> Vec<Part<'_, T>> {
    let mut parts = Vec::new();
    // Nobody is helped by the folding of three steps.
    let texts: Vec<String> =
        if steps.len() < REPEATS { Vec::new() } else { steps.iter().map(text).collect() };
    let mut rest = steps;
    while let Some((first, behind)) = rest.split_first() {
        let same = texts.get(steps.len() - rest.len()..).and_then(repetition);
        let run = same.and_then(|(block, times)| rest.split_at_checked(block * times).zip(rest.get(..block)));
        match run {
            Some(((run, after), block)) => {
                parts.extend(run.last().map(|last| Part::Repeated(block, last)));
                rest = after;
            }
            None => {
                parts.push(Part::One(first));
                rest = behind;
            }
        }
    }
    let left_out = parts.len().saturating_sub(most);
    if left_out > 0 {
        parts.splice(most / 2..most / 2 + left_out, [Part::Middle(left_out)]);
    }
    parts
}

/// The shortest block that a list begins with several times: its length, and how often it stands there.
fn repetition(texts: &[String]) -> Option<(usize, usize)> {
    (1..=LONGEST_BLOCK).find_map(|length| {
        let block = texts.get(..length)?;
        let times = texts.chunks_exact(length).take_while(|next| *next == block).count();
        (times >= REPEATS && block.iter().any(|text| !text.is_empty())).then_some((length, times))
    })
}

/// Sequences of steps as a tree that grows by one step at a time. A block that is repeated more than [`REPEATS`] times
/// is the same sequence, however often: of a chain there are few sequences, not one for each of its links.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    /// Of each sequence the one before, and its last step; sequence 0, which is empty, is not among them.
    last: Vec<(u32, u32)>,
}

impl Sequences {
    /// The sequence that only differs from this one by a step more, and whether it was shortened by a repetition; `next`
    /// finds one that was made before, or keeps the number that it is given.
    pub(crate) fn extended(
        &mut self,
        sequence: u32,
        step: u32,
        next: impl FnOnce((u32, u32), u32) -> u32,
    ) -> (u32, bool) {
        for length in 1..=LONGEST_BLOCK {
            if self.is_repeated(sequence, step, length) {
                let shorter = (1..length).fold(sequence, |sequence, _| self.before(sequence).0);
                return (shorter, true);
            }
        }
        let new = self.last.len() as u32 + 1;
        let found = next((sequence, step), new);
        if found == new {
            self.last.push((sequence, step));
        }
        (found, false)
    }

    /// Whether a sequence and this step end with a block of so many steps [`REPEATS`] times.
    fn is_repeated(&self, sequence: u32, step: u32, length: usize) -> bool {
        let ahead = std::iter::once(step).chain(self.steps(sequence));
        let mut behind = std::iter::once(step).chain(self.steps(sequence)).skip(length);
        ahead.take(length * (REPEATS - 1)).all(|step| behind.next() == Some(step))
    }

    /// The steps of a sequence from its end.
    fn steps(&self, sequence: u32) -> impl Iterator<Item = u32> {
        let mut at = sequence;
        std::iter::from_fn(move || {
            let (before, step) = (at != 0).then(|| self.before(at))?;
            at = before;
            Some(step)
        })
    }

    fn before(&self, sequence: u32) -> (u32, u32) {
        let place = sequence.checked_sub(1).and_then(|place| self.last.get(place as usize));
        place.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(steps: &[&str]) -> String {
        let parts = folded(steps, 6, |step| (*step).to_owned());
        let text = |part: &Part<'_, &str>| match part {
            Part::One(step) => (*step).to_string(),
            Part::Repeated(block, _) => format!("({})", block.concat()),
            Part::Middle(count) => format!("<{count}>"),
        };
        parts.iter().map(text).collect()
    }

    #[test]
    fn repeated_blocks_are_told_once() {
        assert_eq!(written(&["a", "b", "b", "b"]), "abbb");
        assert_eq!(written(&["a", "b", "b", "b", "b", "c"]), "a(b)c");
        assert_eq!(written(&["a", "b", "c", "b", "c", "b", "c", "b", "c", "b"]), "a(bc)b");
        assert_eq!(written(&["", "", "", "", "", ""]), "");
        assert_eq!(written(&["a", "b", "c", "d", "e", "f", "g", "h"]), "abc<2>fgh");
    }

    #[test]
    fn a_chain_has_few_sequences() {
        let mut sequences = Sequences::default();
        let mut known = std::collections::HashMap::new();
        let mut met = std::collections::BTreeSet::new();
        let mut at = 0;
        for link in 0..10_000 {
            let step = link % 3;
            let next = |key, new| *known.entry(key).or_insert(new);
            (at, _) = sequences.extended(at, step, next);
            met.insert(at);
        }
        assert_eq!(met.len(), 3 * REPEATS - 1);
    }
}
