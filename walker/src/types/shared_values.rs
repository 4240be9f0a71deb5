//! Who visits the values of an instance that has a dict, too, which shares them: the instance, or, in later releases of 3.13 and from 3.14 on,
//! the dict. No offset tells; a call of `tp_traverse` does, once in a walk.

use crate::layout::{InstanceValues, fixed};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts::DictTable;
use crate::walk::{TypeInfo, Walk};
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Whether the instance at `address` visits its `dict` rather than the values that both share.
    pub(crate) fn instance_visits_dict(
        &mut self,
        address: u64,
        info: &TypeInfo,
        dict: u64,
    ) -> Result<bool, Unreadable> {
        match self.interpreter.layout.features.instance_values {
            InstanceValues::Inline => {}
            InstanceValues::Dict | InstanceValues::BeforeObject | InstanceValues::Tagged => return Ok(false),
        }
        if self.dict_visits_values.is_none() {
            self.collect_visited(info.traverse, address);
            let visits_dict = self.visited.contains(&dict);
            // What visits nothing tells nothing.
            if visits_dict || self.visited.iter().any(|&visited| visited != info.address) {
                self.dict_visits_values = Some(visits_dict);
            }
        }
        Ok(self.dict_visits_values.unwrap_or(false))
    }

    /// Whether the dict at `address` visits the values that it shares with an instance.
    pub(crate) fn dict_visits_values(&mut self, address: u64, table: &DictTable) -> Result<bool, Unreadable> {
        if self.dict_visits_values.is_none() {
            for position in 0..table.entries {
                if let Some(entry) = table.entry(self.memory, position)? {
                    let class = self.memory.word(address + fixed::OB_TYPE)?;
                    let traverse = self.traverse_of_type(class)?;
                    self.collect_visited(traverse, address);
                    let visits_values = self.visited.contains(&entry.value);
                    self.dict_visits_values = Some(visits_values);
                    break;
                }
            }
        }
        Ok(self.dict_visits_values.unwrap_or(false))
    }
}
