//! Objects that native code holds, by type.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Analysis, Deficit, Node};
use pyheap_report::{NativeRefs, NativeType};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Examples of a type.
const EXAMPLES: usize = 5;

impl Engine {
    /// Objects with more references than are known, by type.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn native_refs(&self, page: Page, watch: Watch<'_>) -> Result<NativeRefs, AskError> {
        let analysis = &self.analysis(watch)?;
        let (missing, surplus): (Vec<Deficit>, Vec<Deficit>) =
            analysis.deficits.iter().partition(|deficit| deficit.missing > 0);
        let types = rows(analysis, &missing);
        Ok(NativeRefs {
            objects: u64::from(analysis.holders.objects()),
            roots: analysis.native.len() as u64,
            types_total: types.len() as u64,
            offset: page.start(),
            types: page.of(types).collect(),
            negative: rows(analysis, &surplus),
        })
    }
}

fn rows(analysis: &Analysis<'_>, deficits: &[Deficit]) -> Vec<NativeType> {
    let mut by_type: BTreeMap<String, (u64, Vec<Node>)> = BTreeMap::new();
    for deficit in deficits {
        let name =
            analysis.objects.type_of(deficit.object).map(|class| class.full_name()).unwrap_or_default();
        let (references, objects) = by_type.entry(name).or_default();
        *references += deficit.missing.unsigned_abs();
        objects.push(deficit.object);
    }
    let row = |(type_name, (references, objects)): (String, (u64, Vec<Node>))| {
        let is_root = |object: &Node| analysis.native.binary_search(object).is_ok();
        let examples = analysis.largest_of(objects.iter().copied(), EXAMPLES);
        NativeType {
            type_name,
            objects: objects.len() as u64,
            references,
            expected: !objects.iter().any(is_root),
            examples: examples.into_iter().map(|object| line(analysis.dump, object)).collect(),
        }
    };
    let mut rows: Vec<NativeType> = by_type.into_iter().map(row).collect();
    rows.sort_by_key(|row| Reverse(row.references));
    rows
}
