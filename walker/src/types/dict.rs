//! `dict` and `OrderedDict`.

use super::kinds::Kind;
use crate::layout::{InstanceValues, fixed};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts::{DictTable, values_header};
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk, rounded};
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;

/// `PyODictObject.od_fast_nodes`.
const OD_FAST_NODES: u64 = 64;
/// `PyODictObject.od_fast_nodes_size`.
const OD_FAST_NODES_SIZE: u64 = 72;
/// `sizeof(_ODictNode)`.
const OD_NODE: u64 = 32;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn dict_entries(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let table = DictTable::read(self.memory, &self.interpreter, address)?;
        let value_reach = match reach {
            Reach::Visited if table.embedded && !self.dict_visits_values(address, &table)? => Reach::Omitted,
            other => other,
        };
        let counts = !self.interned.contains(&address);
        let mut keys_visited = table.general || (table.lookup != 0 && table.lookup == self.general_lookup);
        for position in 0..table.entries {
            let Some(entry) = table.entry(self.memory, position)? else { continue };
            if !keys_visited
                && table.lookup != 0
                && self.memory.word(entry.key + fixed::OB_TYPE)? != self.str_type
            {
                // Only the general lookup function takes such a key.
                self.general_lookup = table.lookup;
                keys_visited = true;
            }
            let key_reach = match reach {
                Reach::Visited if !keys_visited => Reach::Omitted,
                other => other,
            };
            self.refer(key_reach, entry.key, EdgeKind::Key, counts && table.values == 0, 0)?;
            self.refer(value_reach, entry.value, EdgeKind::Value, counts && !table.embedded, 0)?;
        }
        Ok(())
    }

    pub(crate) fn measure_dict(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let table = DictTable::read(memory, &self.interpreter, address)?;
        let mut shallow = info.basicsize;
        let mut besides = 0;
        if table.values != 0 {
            let bytes = self.bounded(table.values, table.usable.saturating_mul(8))?;
            shallow += bytes;
            if !table.embedded {
                let overhead = match self.interpreter.layout.features.instance_values {
                    InstanceValues::Dict => 0,
                    InstanceValues::BeforeObject | InstanceValues::Tagged => {
                        u64::from(memory.byte(table.values - 1)?)
                    }
                    InstanceValues::Inline => values_header::SIZE + (bytes / 8).next_multiple_of(8),
                };
                besides += rounded(bytes + overhead);
            }
        }
        if table.keys_refcount == 1 {
            self.bounded(table.keys, table.keys_size)?;
            shallow += table.keys_size;
            if !self.options.image.contains(&table.keys) {
                besides += rounded(table.keys_size);
            }
        }
        if info.kind == Kind::OrderedDict {
            let nodes = memory.word(address + OD_FAST_NODES_SIZE)?;
            let used = memory.word(address + fixed::DICT_USED)?;
            let table = memory.word(address + OD_FAST_NODES)?;
            let bytes = self.bounded(table, nodes.saturating_mul(8))?;
            let listed = self.scattered(address, used, OD_NODE)?;
            shallow += bytes + listed;
            besides += used * rounded(OD_NODE) + if bytes == 0 { 0 } else { rounded(bytes) };
        }
        Ok(Measure {
            shallow,
            block: info.basicsize,
            besides,
            length: Some(memory.word(address + fixed::DICT_USED)?),
        })
    }
}
