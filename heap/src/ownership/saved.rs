//! An analysis as bytes, to be had again without computing it: what is expensive, and nothing that the dump holds.
//!
//! The bytes are for the program that wrote them, on the same machine: nothing promises that another version
//! understands them. What is damaged, or belongs to another dump, is not accepted.

use crate::graph::csr::Node;
use crate::graph::dominators::DominatorTree;
use crate::ownership::findings::Ownership;
use crate::ownership::holders::Holders;
use crate::ownership::references::Deficit;
use bytemuck::{AnyBitPattern, NoUninit};
use pyheap_format::reader::{Dump, Root};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::OnceLock;

/// First bytes. The number changes with the layout and with the rules of the analysis.
const MAGIC: [u8; 16] = *b"pyheap analysis3";

/// Numbers at the start: digest of the dump, its objects, its threads, garbage objects, native roots, deficits,
/// ranks, hidden objects, heads of garbage.
type Head = [u64; 9];

/// Bytes that are read and added to the checksum at a time, so that they still are in the cache.
const STEP: usize = 1 << 18;

impl Ownership {
    /// Writes what [`Ownership::restore`] reads.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn save(&self, dump: &Dump, out: impl Write) -> io::Result<()> {
        let mut out = Checked { inner: out, checksum: crc32fast::Hasher::new() };
        let (node, idom) = self.tree.parts();
        let head: Head = [
            dump.digest(),
            u64::from(self.holders.objects()),
            u64::from(self.holders.threads()),
            self.garbage as u64,
            self.native.len() as u64,
            self.deficits.len() as u64,
            node.len() as u64,
            self.hidden.len() as u64,
            self.heads.len() as u64,
        ];
        let objects: Vec<u32> = self.deficits.iter().map(|deficit| deficit.object).collect();
        let missing: Vec<i64> = self.deficits.iter().map(|deficit| deficit.missing).collect();
        out.write(&MAGIC)?;
        out.write(&head)?;
        out.write(&self.native)?;
        out.write(&self.hidden)?;
        out.write(&self.heads)?;
        out.write(&objects)?;
        out.write(&missing)?;
        out.write(node)?;
        out.write(idom)?;
        out.write(&self.retained)?;
        let checksum = out.checksum.finalize();
        out.inner.write_all(&checksum.to_le_bytes())?;
        out.inner.flush()
    }
}

impl Ownership {
    /// The analysis of a dump as [`Ownership::save`] wrote it.
    ///
    /// # Errors
    /// Those of `from`, and [`ErrorKind::InvalidData`] if the bytes are damaged or belong to another dump.
    pub fn restore(dump: &Dump, from: impl Read) -> io::Result<Self> {
        let mut from = Checked { inner: from, checksum: crc32fast::Hasher::new() };
        let holders = Holders::of(dump);
        let nodes = holders.garbage() as usize + 1;
        if from.read::<u8>(MAGIC.len(), MAGIC.len())? != MAGIC {
            return Err(invalid("not an analysis"));
        }
        let head: Head = from.read::<u64>(9, 9)?.try_into().map_err(|_| invalid("the head is too short"))?;
        let [digest, objects, threads, garbage, native, deficits, ranks, hidden, heads] = head;
        let known = (dump.digest(), u64::from(holders.objects()), u64::from(holders.threads()));
        if (digest, objects, threads) != known {
            return Err(invalid("of another dump"));
        }
        let native = from.read::<u32>(native as usize, nodes)?;
        let hidden = from.read::<u32>(hidden as usize, nodes)?;
        let heads = from.read::<u32>(heads as usize, nodes)?;
        let deficient = from.read::<u32>(deficits as usize, nodes)?;
        let missing = from.read::<i64>(deficits as usize, nodes)?;
        let node = from.read::<Node>(ranks as usize, nodes)?;
        let idom = from.read::<u32>(ranks as usize, nodes)?;
        let retained = from.read::<u64>(nodes, nodes)?;
        let mut checksum = [0; 4];
        from.inner.read_exact(&mut checksum)?;
        if u32::from_le_bytes(checksum) != from.checksum.finalize() {
            return Err(invalid("damaged"));
        }
        let within = |numbers: &Vec<u32>| numbers.iter().all(|&number| number < holders.objects());
        if ![&native, &hidden, &heads, &deficient].into_iter().all(within) {
            return Err(invalid("objects that are not in the dump"));
        }
        let tree = DominatorTree::checked(nodes, node, idom)
            .filter(|tree| tree.preorder().first() == Some(&holders.root()))
            .ok_or_else(|| invalid("no dominator tree"))?;
        let deficits = deficient.into_iter().zip(missing);
        Ok(Self {
            roots: dump.roots().collect::<Vec<Root>>(),
            holders,
            tree,
            deficits: deficits.map(|(object, missing)| Deficit { object, missing }).collect(),
            native,
            garbage: garbage as usize,
            retained,
            hidden,
            heads,
            graph: OnceLock::new(),
        })
    }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

/// Numbers in the machine's own byte order, with a checksum over all of them.
struct Checked<S> {
    inner: S,
    checksum: crc32fast::Hasher,
}

impl<W: Write> Checked<W> {
    fn write<T: NoUninit>(&mut self, numbers: &[T]) -> io::Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(numbers);
        bytes.chunks(STEP).try_for_each(|step| {
            self.checksum.update(step);
            self.inner.write_all(step)
        })
    }
}

impl<R: Read> Checked<R> {
    /// Reads `count` numbers, of which there can be `most` at most.
    fn read<T: NoUninit + AnyBitPattern>(&mut self, count: usize, most: usize) -> io::Result<Vec<T>> {
        if count > most {
            return Err(invalid("more than a dump can have"));
        }
        let mut numbers = vec![T::zeroed(); count];
        for step in bytemuck::cast_slice_mut::<T, u8>(&mut numbers).chunks_mut(STEP) {
            self.inner.read_exact(step)?;
            self.checksum.update(step);
        }
        Ok(numbers)
    }
}
