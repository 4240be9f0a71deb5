//! Indexes that are worth their memory only for those who ask more than once.

use pyheap_format::reader::Dump;
use pyheap_heap::{Node, Objects};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value that is made when it is wanted for the second time: the first answer comes from a scan, which takes no
/// memory.
#[derive(Debug, Default)]
pub(crate) struct SecondTime<T> {
    wanted: AtomicBool,
    value: OnceLock<T>,
}

impl<T> SecondTime<T> {
    pub(crate) fn new() -> Self {
        Self { wanted: AtomicBool::new(false), value: OnceLock::new() }
    }

    pub(crate) fn get(&self, make: impl FnOnce() -> T) -> Option<&T> {
        let again = self.wanted.swap(true, Ordering::Relaxed);
        again.then(|| self.value.get_or_init(make))
    }
}

/// The objects of a dump by address: 4 bytes per object.
#[derive(Debug)]
pub(crate) struct AddressIndex {
    /// Object numbers in the order of their addresses.
    sorted: Vec<Node>,
}

impl AddressIndex {
    pub(crate) fn of(dump: &Dump) -> Self {
        let addresses = dump.object_chunks().flat_map(|chunk| chunk.addresses());
        let mut pairs: Vec<(u64, Node)> = addresses.zip(0..).collect();
        pairs.sort_unstable();
        Self { sorted: pairs.into_iter().map(|(_, object)| object).collect() }
    }

    /// The first object at an address.
    pub(crate) fn find(&self, objects: &Objects<'_>, address: u64) -> Option<Node> {
        let place = self.sorted.partition_point(|&object| objects.address(object) < address);
        self.sorted.get(place).copied().filter(|&object| address != 0 && objects.address(object) == address)
    }
}
