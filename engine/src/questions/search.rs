//! Objects by their content.

use super::query::matches;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::{Step, Watch, tell};
use pyheap_format::PreviewKind;
use pyheap_heap::Node;
use pyheap_report::Query;

impl Engine {
    /// The objects whose text, bytes or name contains `text`, as far as the dump holds it; those that retain most
    /// first.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn search(&self, text: &str, page: Page, watch: Watch<'_>) -> Result<Query, AskError> {
        if self.dump.is_concealed() {
            return Err(AskError::Concealed);
        }
        let analysis = &self.analysis(watch)?;
        let of = self.dump.object_count();
        let mut found: Vec<Node> = Vec::new();
        for chunk in self.dump.preview_chunks() {
            let done = chunk.objects().first().copied().unwrap_or_default();
            tell(watch, Step::Scanning { done, of })?;
            let is_text = |kind| {
                matches!(kind, PreviewKind::Text | PreviewKind::Bytes | PreviewKind::Name | PreviewKind::Code)
            };
            let matching = chunk.iter().filter(|(_, kind, data)| is_text(*kind) && contains(data, text));
            found.extend(matching.map(|(object, ..)| object));
        }
        Ok(matches(analysis, &found, page))
    }
}

fn contains(data: &[u8], text: &str) -> bool {
    text.is_empty() || data.windows(text.len()).any(|window| window == text.as_bytes())
}
