//! Lists of objects: all of them, or those that a selection leaves.

use crate::engine::Engine;
use crate::error::AskError;
use crate::indexes::{Measure, module_name, ranked};
use crate::page::Page;
use crate::watch::{Step, Watch, tell};
use memchr::memmem::Finder;
use pyheap_format::PreviewKind;
use pyheap_heap::{Analysis, Node};
use pyheap_report::{Match, Query};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Which objects are wanted: those for which everything holds that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Full name of the type.
    pub type_name: Option<String>,
    /// A part of the type's full name, whatever its case.
    pub type_part: Option<String>,
    /// Name of the module that defines the type, or of a package that it is in.
    pub module: Option<String>,
    /// A part of the object's text, bytes or name, as far as the dump holds it.
    pub text: Option<String>,
    /// Address of an object without which they would not be there: it dominates them.
    pub held_by: Option<u64>,
    /// Address of an object whose content is equal to theirs.
    pub copies_of: Option<u64>,
}

/// Selections that were made, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Selections(Mutex<Vec<Selected>>);

#[derive(Debug)]
struct Selected {
    selection: Selection,
    measure: Measure,
    objects: Arc<Vec<Node>>,
}

impl Engine {
    /// The objects of a selection, the largest first.
    ///
    /// # Errors
    /// There is no such holder; the watch ends it.
    pub fn objects(
        &self,
        selection: &Selection,
        measure: Measure,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Query, AskError> {
        let analysis = &self.analysis(watch)?;
        if *selection == Selection::default() {
            let all = self.ranking(analysis, measure, watch)?;
            let total = self.info();
            return Ok(self.listed(analysis, all, page, total.allocated_size, total.shallow_size));
        }
        if let Some(name) = &selection.type_name
            && *selection == (Selection { type_name: Some(name.clone()), ..Selection::default() })
        {
            let objects = self.of_type(analysis, name, measure, watch)?;
            let groups = self.groups(analysis, watch)?;
            let total = groups.iter().find(|group| group.name == *name).map(|group| group.sizes.total);
            let total = total.unwrap_or_default();
            return Ok(self.listed(analysis, objects, page, total.allocated, total.shallow));
        }
        let objects = match self.selections.find(selection, measure) {
            Some(objects) => objects,
            None => {
                let found = Arc::new(ranked(analysis, self.select(analysis, selection, watch)?, measure));
                self.selections.keep(selection, measure, &found, analysis.holders.objects() as usize);
                found
            }
        };
        let sum = |size: &dyn Fn(Node) -> u64| objects.iter().map(|&object| size(object)).sum();
        let allocated = sum(&|object| analysis.objects.allocated(object));
        let shallow = sum(&|object| analysis.objects.shallow(object));
        Ok(self.listed(analysis, &objects, page, allocated, shallow))
    }

    fn listed(
        &self,
        analysis: &Analysis<'_>,
        objects: &[Node],
        page: Page,
        allocated_size: u64,
        shallow_size: u64,
    ) -> Query {
        let rows = objects.get(page.offset.min(objects.len())..).unwrap_or_default();
        let rows = rows.iter().take(page.limit).map(|&object| Match {
            object: super::line(&self.dump, object),
            retained_size: analysis.retained(object),
            allocated_size: analysis.objects.allocated(object),
            shallow_size: analysis.objects.shallow(object),
            length: analysis.objects.length(object),
            refcount: analysis.objects.refcount(object),
        });
        Query {
            count: objects.len() as u64,
            allocated_size,
            shallow_size,
            failed: 0,
            first_failure: None,
            offset: page.start(),
            objects: rows.collect(),
        }
    }

    fn select(
        &self,
        analysis: &Analysis<'_>,
        selection: &Selection,
        watch: Watch<'_>,
    ) -> Result<Vec<Node>, AskError> {
        let wanted = wanted_types(analysis, selection);
        let mut objects: Vec<Node> = match (selection.copies_of, selection.held_by) {
            (Some(address), _) => self.copies(analysis, self.find(address, watch)?, watch)?.to_vec(),
            (None, Some(address)) => {
                let holder = self.find(address, watch)?;
                let mut held = self.dominated(analysis, watch)?.subtree(holder);
                held.retain(|&node| node != holder && node < analysis.holders.objects());
                held
            }
            (None, None) => match &selection.type_name {
                Some(name) => self.of_type(analysis, name, Measure::Retained, watch)?.to_vec(),
                None => (0..analysis.holders.objects()).collect(),
            },
        };
        objects.retain(|&object| {
            let class = analysis.objects.type_number(object);
            class.is_some_and(|class| wanted.get(class as usize) == Some(&true))
        });
        if let (Some(_), Some(address)) = (selection.copies_of, selection.held_by) {
            let holder = self.find(address, watch)?;
            let held: HashSet<Node> = self.dominated(analysis, watch)?.subtree(holder).into_iter().collect();
            objects.retain(|object| held.contains(object));
        }
        if let Some(text) = &selection.text {
            let containing = self.containing(text, watch)?;
            objects.retain(|object| containing.binary_search(object).is_ok());
        }
        Ok(objects)
    }

    /// The objects whose text, bytes or name contains a text, in ascending order.
    fn containing(&self, text: &str, watch: Watch<'_>) -> Result<Vec<Node>, AskError> {
        if self.dump.is_concealed() {
            return Err(AskError::Concealed);
        }
        let finder = Finder::new(text.as_bytes());
        let of = self.dump.object_count();
        let mut found = Vec::new();
        for chunk in self.dump.preview_chunks() {
            tell(watch, Step::Scanning { done: chunk.objects().first().copied().unwrap_or_default(), of })?;
            let matching = chunk.iter().filter(|(_, kind, data)| {
                let is_text = matches!(
                    kind,
                    PreviewKind::Text | PreviewKind::Bytes | PreviewKind::Name | PreviewKind::Code
                );
                is_text && finder.find(data).is_some()
            });
            found.extend(matching.map(|(object, ..)| object));
        }
        Ok(found)
    }
}

/// For each type whether a selection leaves its objects.
fn wanted_types(analysis: &Analysis<'_>, selection: &Selection) -> Vec<bool> {
    let part = selection.type_part.as_ref().map(|part| part.to_lowercase());
    let is_wanted = |class: &pyheap_format::reader::Type| {
        let name = class.full_name();
        selection.type_name.as_ref().is_none_or(|wanted| *wanted == name)
            && part.as_ref().is_none_or(|part| name.to_lowercase().contains(part))
            && selection.module.as_ref().is_none_or(|module| is_within(module_name(&class.module), module))
    };
    analysis.objects.types().iter().map(is_wanted).collect()
}

/// Whether a module is another one, or in it.
pub(super) fn is_within(module: &str, package: &str) -> bool {
    module.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Selections {
    fn find(&self, selection: &Selection, measure: Measure) -> Option<Arc<Vec<Node>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|kept| kept.selection == *selection && kept.measure == measure);
        found.map(|found| found.objects.clone())
    }

    /// Keeps a selection; the oldest ones go where there would be more than so many objects in all.
    fn keep(&self, selection: &Selection, measure: Measure, objects: &Arc<Vec<Node>>, most: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Selected { selection: selection.clone(), measure, objects: objects.clone() });
        while kept.len() > 1 && kept.iter().map(|kept| kept.objects.len()).sum::<usize>() > most {
            kept.remove(0);
        }
    }
}
