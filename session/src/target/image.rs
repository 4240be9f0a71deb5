//! The code for the target as an image in memory: laid out and relocated on the host side.

use object::elf::{R_AARCH64_RELATIVE, R_X86_64_RELATIVE};
use object::read::elf::ElfFile64;
use object::{Architecture, Object, ObjectSegment, ObjectSymbol, RelocationFlags};
use std::collections::HashMap;

/// Why the code cannot be laid out. All of these are mistakes of the build, not of the user.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The linker wrote something that the parser refuses.
    #[error("the code for the target is malformed: {0}")]
    Malformed(#[from] object::read::Error),
    /// Only the base address may be missing in the code.
    #[error("the code for the target has a relocation of type {kind} at 0x{offset:x}")]
    Relocation {
        /// Machine-specific type.
        kind: String,
        /// Offset in the image.
        offset: u64,
    },
    /// A name must be bound to the target's libraries.
    #[error("the code for the target imports {0}")]
    Import(String),
    /// A relocation lies outside the image.
    #[error("the code for the target has a relocation outside of it, at 0x{0:x}")]
    OutOfImage(u64),
    /// An entry is missing.
    #[error("the code for the target has no entry {0}")]
    NoEntry(&'static str),
}

/// The code for the target, as if loaded at address 0.
#[derive(Debug)]
pub struct Image {
    bytes: Vec<u8>,
    /// Offsets of words that hold an address, and the addresses relative to the base.
    relocations: Vec<(usize, u64)>,
    entries: HashMap<String, u64>,
}

impl Image {
    /// Lays out the segments of a shared object.
    pub fn parse(file: &[u8]) -> Result<Self, ImageError> {
        let elf = ElfFile64::<object::Endianness>::parse(file)?;
        let end = elf.segments().map(|segment| segment.address() + segment.size()).max().unwrap_or(0);
        let mut bytes = vec![0; end as usize];
        for segment in elf.segments() {
            let data = segment.data()?;
            let at = segment.address() as usize;
            bytes[at..at + data.len()].copy_from_slice(data);
        }
        let relative = match elf.architecture() {
            Architecture::Aarch64 => R_AARCH64_RELATIVE,
            _ => R_X86_64_RELATIVE,
        };
        let mut relocations = Vec::new();
        for (offset, relocation) in elf.dynamic_relocations().into_iter().flatten() {
            match relocation.flags() {
                RelocationFlags::Elf { r_type } if r_type == relative => {
                    if offset + 8 > end {
                        return Err(ImageError::OutOfImage(offset));
                    }
                    relocations.push((offset as usize, relocation.addend() as u64));
                }
                other => return Err(ImageError::Relocation { kind: format!("{other:?}"), offset }),
            }
        }
        let mut entries = HashMap::new();
        for symbol in elf.dynamic_symbols() {
            let name = symbol.name()?;
            if symbol.is_undefined() && !name.is_empty() {
                return Err(ImageError::Import(name.to_owned()));
            }
            entries.insert(name.to_owned(), symbol.address());
        }
        Ok(Self { bytes, relocations, entries })
    }

    /// Bytes that it takes in memory.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes to write at address `base`.
    pub fn at(&self, base: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for &(offset, address) in &self.relocations {
            bytes[offset..offset + 8].copy_from_slice(&base.wrapping_add(address).to_le_bytes());
        }
        bytes
    }

    /// Address of the entry of this name, relative to the base.
    pub fn entry(&self, name: &'static str) -> Result<u64, ImageError> {
        self.entries.get(name).copied().ok_or(ImageError::NoEntry(name))
    }
}

/// The code that the build script made.
pub fn embedded() -> Result<Image, ImageError> {
    Image::parse(include_bytes!(concat!(env!("OUT_DIR"), "/pyheap_inferior.so")))
}

#[cfg(test)]
mod tests {
    use super::{Image, ImageError, embedded};
    use object::read::elf::{ElfFile64, ProgramHeader};
    use object::{Object, ObjectSymbol};
    use pyheap_inferior::entry;

    const FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pyheap_inferior.so"));

    #[test]
    fn has_every_entry_that_is_called() {
        let image = embedded().expect("an image");
        for name in [entry::CALL, entry::LEAVE, entry::SNAPSHOT, entry::BEGIN, entry::STEP, entry::END] {
            let offset = image.entry(name).expect(name);
            assert!(offset > 0 && (offset as usize) < image.len());
        }
        assert!(matches!(image.entry("pyheap_nonsense"), Err(ImageError::NoEntry(_))));
    }

    // The mapping in the target is never writable for the code itself.
    #[test]
    fn has_no_data_that_changes() {
        let elf = ElfFile64::<object::Endianness>::parse(FILE).expect("an ELF file");
        let endian = elf.endian();
        let range = |header: &object::elf::ProgramHeader64<_>| {
            header.p_vaddr(endian)..header.p_vaddr(endian) + header.p_memsz(endian)
        };
        let headers = elf.elf_program_headers();
        let relocated =
            headers.iter().find(|header| header.p_type(endian) == object::elf::PT_GNU_RELRO).map(range);
        for header in headers {
            let writable = header.p_flags(endian).contains(object::elf::PF_W);
            if header.p_type(endian) == object::elf::PT_LOAD && writable {
                assert_eq!(Some(range(header)), relocated, "writable data beyond what relocation needs");
            }
        }
    }

    #[test]
    fn relocation_moves_every_address_by_the_base() {
        let image = Image::parse(FILE).expect("an image");
        let (low, high) = (image.at(0x1000), image.at(0x7000_0000_1000));
        let mut moved = 0;
        for (low, high) in low.chunks_exact(8).zip(high.chunks_exact(8)) {
            let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            if low != high {
                assert_eq!(number(high) - number(low), 0x7000_0000_0000);
                moved += 1;
            }
        }
        assert_eq!(moved, image.relocations.len());
        let elf = ElfFile64::<object::Endianness>::parse(FILE).expect("an ELF file");
        assert!(elf.dynamic_symbols().all(|symbol| !symbol.is_undefined() || symbol.name() == Ok("")));
    }
}
