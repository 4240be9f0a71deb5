//! The few things needed of an ELF file, read without reading all of it.

use object::elf::{FileHeader64, Machine, PF_W, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB, SectionType, Sym64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, ReadCache, ReadRef, StringTable};
use std::fs::File;
use std::ops::Range;

/// A defined symbol. The value is an address as the file states it: the load bias comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Address before relocation.
    pub value: u64,
    /// Size in bytes.
    pub size: u64,
}

/// An open 64-bit ELF file.
#[derive(Debug)]
pub struct ElfFile {
    // Keeps what was read, so that asking twice costs nothing; only the parts asked for are read.
    cache: ReadCache<File>,
}

type Header = FileHeader64<Endianness>;

impl ElfFile {
    /// Wraps an open file, without checking it.
    pub fn new(file: File) -> Self {
        Self { cache: ReadCache::new(file) }
    }

    fn header(&self) -> object::read::Result<(&Header, Endianness)> {
        let header = Header::parse(&self.cache)?;
        let endian = header.endian()?;
        Ok((header, endian))
    }

    /// The machine whose code the file holds.
    pub fn machine(&self) -> object::read::Result<Machine> {
        let (header, endian) = self.header()?;
        Ok(header.e_machine(endian))
    }

    /// Address, as the file states it, of the page that holds the file's first byte once it is loaded.
    pub fn first_page(&self, page_size: u64) -> object::read::Result<u64> {
        first_page(&self.cache, page_size)
    }

    /// End of what is loaded, `.bss` included, as the file states it.
    pub fn end(&self) -> object::read::Result<u64> {
        let (header, endian) = self.header()?;
        let loaded =
            header.program_headers(endian, &self.cache)?.iter().filter(|p| p.p_type(endian) == PT_LOAD);
        Ok(loaded.map(|p| p.p_vaddr(endian).saturating_add(p.p_memsz(endian))).max().unwrap_or(0))
    }

    /// Address ranges, as the file states them, that are writable once loaded, `.bss` included.
    pub fn writable_ranges(&self) -> object::read::Result<Vec<Range<u64>>> {
        writable_ranges(&self.cache)
    }

    /// Looks the names up among the symbols that the dynamic linker sees.
    pub fn dynamic_symbols<const N: usize>(
        &self,
        names: [&str; N],
    ) -> object::read::Result<[Option<Symbol>; N]> {
        self.lookup(SHT_DYNSYM, names)
    }

    /// Looks the names up among all symbols of a file that was not stripped: for static executables, which have no others.
    pub fn static_symbols<const N: usize>(
        &self,
        names: [&str; N],
    ) -> object::read::Result<[Option<Symbol>; N]> {
        self.lookup(SHT_SYMTAB, names)
    }

    /// Name of the symbol that the dynamic linker sees nearest to an address, at or before it, and the distance.
    pub fn symbol_before(&self, address: u64) -> object::read::Result<Option<(String, u64)>> {
        let (header, endian) = self.header()?;
        let symbols = header.sections(endian, &self.cache)?.symbols(endian, &self.cache, SHT_DYNSYM)?;
        let before = symbols.iter().filter(|symbol| {
            !symbol.is_undefined(endian) && symbol.st_name(endian) != 0 && symbol.st_value(endian) <= address
        });
        let Some(nearest) = before.max_by_key(|symbol| symbol.st_value(endian)) else { return Ok(None) };
        let name = symbols.symbol_name(endian, nearest)?;
        Ok(Some((String::from_utf8_lossy(name).into_owned(), address - nearest.st_value(endian))))
    }

    fn lookup<const N: usize>(
        &self,
        table: SectionType,
        names: [&str; N],
    ) -> object::read::Result<[Option<Symbol>; N]> {
        let mut found = [None; N];
        let (header, endian) = self.header()?;
        let sections = header.section_headers(endian, &self.cache)?;
        let Some(section) = sections.iter().find(|s| s.sh_type(endian) == table) else {
            return Ok(found);
        };
        let symbols: &[Sym64<Endianness>] = section.data_as_array(endian, &self.cache)?;
        // Through the cache every name would be a read of its own: take the whole table of strings at once.
        let strings = match sections.get(section.sh_link(endian) as usize) {
            Some(strings) => strings.data(endian, &self.cache)?,
            None => &[],
        };
        let strings = StringTable::new(strings, 0, strings.len() as u64);
        for symbol in symbols {
            if symbol.is_undefined(endian) {
                continue;
            }
            let Ok(name) = symbol.name(endian, strings) else { continue };
            if let Some(at) = names.iter().position(|wanted| wanted.as_bytes() == name) {
                found[at] = Some(Symbol { value: symbol.st_value(endian), size: symbol.st_size(endian) });
            }
        }
        Ok(found)
    }
}

/// [`ElfFile::first_page`] of a file of which at least the program headers are at hand.
pub fn first_page<'d>(file: impl ReadRef<'d>, page_size: u64) -> object::read::Result<u64> {
    let header = Header::parse(file)?;
    let endian = header.endian()?;
    let first = header.program_headers(endian, file)?.iter().find(|p| p.p_type(endian) == PT_LOAD);
    Ok(first.map_or(0, |p| p.p_vaddr(endian).wrapping_sub(p.p_offset(endian)) & !(page_size - 1)))
}

/// [`ElfFile::writable_ranges`] of a file of which at least the program headers are at hand.
pub fn writable_ranges<'d>(file: impl ReadRef<'d>) -> object::read::Result<Vec<Range<u64>>> {
    let header = Header::parse(file)?;
    let endian = header.endian()?;
    let headers = header.program_headers(endian, file)?;
    let writable = headers.iter().filter(|p| p.p_type(endian) == PT_LOAD && p.p_flags(endian).contains(PF_W));
    Ok(writable.map(|p| p.p_vaddr(endian)..p.p_vaddr(endian).saturating_add(p.p_memsz(endian))).collect())
}
