//! What C code holds in variables: words in the data of libraries, and in the state of interpreters, that are addresses of objects.
//!
//! Whether such a word owns a reference is not known; a reader can tell from the object's reference count.

use crate::memory::Memory;
use crate::walk::{Data, Failure, Walk, is_plausible};
use alloc::string::ToString;
use alloc::vec::Vec;
use pyheap_format::vocabulary::{NONE, RootKind};
use pyheap_format::writer::Sink;

/// Bytes that are read at a time. Pages are readable or not as a whole.
const PAGE: usize = 4096;

/// What the state of an interpreter is called.
const INTERPRETER: &str = "interpreter";

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Whether this is the address of a variable of a library.
    pub(crate) fn is_library_data(&self, address: u64) -> bool {
        let data = &self.options.data;
        let behind = data.partition_point(|data| data.range.start <= address);
        let last = behind.checked_sub(1).and_then(|last| data.get(last));
        last.is_some_and(|data| data.range.contains(&address))
    }

    /// Writes the roots. To be called at the end: only objects that the walk has found count.
    pub(crate) fn write_data(&mut self) -> Result<(), Failure> {
        let all = core::mem::take(&mut self.options.data);
        let size = u64::from(self.interpreter.layout.offsets.interp_size);
        // The main interpreter's state is a variable from some version on.
        let is_apart = |state: &&u64| !all.iter().any(|data| data.range.contains(state));
        let states = self.interpreter.states.iter().filter(is_apart);
        let states: Vec<Data> =
            states.map(|&state| Data { range: state..state + size, of: INTERPRETER.to_string() }).collect();
        for data in all.iter().chain(&states) {
            self.write_data_of(data)?;
        }
        Ok(())
    }

    fn write_data_of(&mut self, data: &Data) -> Result<(), Failure> {
        let mut name = None;
        let mut page = [0; PAGE];
        let mut at = data.range.start.next_multiple_of(size_of::<u64>() as u64);
        while at < data.range.end {
            let end = (at + 1).next_multiple_of(PAGE as u64).min(data.range.end);
            let Some(page) = page.get_mut(..(end - at) as usize) else { break };
            if self.memory.read(at, page).is_ok() {
                let (words, _) = page.as_chunks();
                for word in words.iter().map(|word| u64::from_le_bytes(*word)) {
                    if is_plausible(word)
                        && !self.options.image.contains(&word)
                        && let Some(object) = self.objects.get(word)
                    {
                        let name = *name.get_or_insert_with(|| self.writer.name(&data.of));
                        self.root(RootKind::Data, NONE, NONE, name, object)?;
                    }
                }
            }
            at = end;
        }
        Ok(())
    }
}
