//! Types: their names, and which of them are heap types.

use crate::legacy::{File, Object};
use crate::previews::Previews;
use pyheap_format::vocabulary::{NONE, TypeNumber};
use pyheap_format::writer::TypeRow;
use std::collections::HashMap;

/// Number of the type of objects of unknown type, which the format reserves.
const UNREADABLE: TypeNumber = 0;

/// A type.
#[derive(Debug)]
pub(crate) struct Class {
    address: u64,
    module: String,
    qualname: String,
    /// Number of the type object.
    object: Option<u32>,
    /// Allocated: then its instances own a reference to it.
    pub(crate) heap: bool,
}

/// All types of a file; their numbers start with 1.
#[derive(Debug)]
pub(crate) struct Types {
    classes: Vec<Class>,
    by_address: HashMap<u64, TypeNumber>,
}

impl Types {
    pub(crate) fn new(file: &File<'_>, numbers: &HashMap<u64, u32>, previews: Previews) -> Self {
        let texts = Texts { file, numbers, previews };
        let mut types = Self { classes: Vec::new(), by_address: HashMap::new() };
        let listed =
            file.types.iter().chain(&file.well_known).map(|(address, name)| (*address, Some(name.as_str())));
        // A file that is cut off does not have its table of types.
        let used = file.objects.iter().map(|object| (object.class, None));
        for (address, name) in listed.chain(used) {
            if types.by_address.contains_key(&address) {
                continue;
            }
            let object = texts.object(address);
            let (module, qualname) = if file.well_known.iter().any(|(known, _)| *known == address) {
                ("builtins".into(), name.map(Into::into))
            } else {
                texts.full_name(object, name)
            };
            types.classes.push(Class {
                address,
                module,
                qualname: qualname.unwrap_or_else(|| format!("<type at 0x{address:x}>")),
                object: object.and_then(|_| numbers.get(&address).copied()),
                // `gc.get_referents` skips what the collector does not track, and so static types.
                heap: object.is_some_and(|object| !object.referents.is_empty()),
            });
            types.by_address.insert(address, types.classes.len() as TypeNumber);
        }
        types
    }

    /// The type at an address, with its number.
    pub(crate) fn at(&self, address: u64) -> Option<(TypeNumber, &Class)> {
        let number = *self.by_address.get(&address)?;
        Some((number, self.classes.get((number - 1) as usize)?))
    }

    /// Number of the type at an address.
    pub(crate) fn number(&self, address: u64) -> TypeNumber {
        self.at(address).map_or(UNREADABLE, |(number, _)| number)
    }

    /// Whether an object is a static type.
    pub(crate) fn is_static_type(&self, object: &Object<'_>) -> bool {
        self.at(object.address).is_some_and(|(_, class)| !class.heap)
    }

    /// The type's name if it is builtin.
    pub(crate) fn builtin_name(&self, address: u64) -> Option<&str> {
        let (_, class) = self.at(address)?;
        (class.module == "builtins").then_some(class.qualname.as_str())
    }

    /// All rows, in the order of their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = TypeRow<'_>> {
        let unreadable =
            Class { address: 0, module: String::new(), qualname: String::new(), object: None, heap: false };
        let row = |class: &Class| (class.address, class.object.unwrap_or(NONE), class.heap);
        let first = std::iter::once((row(&unreadable), "", "<unreadable>"));
        let rest = self
            .classes
            .iter()
            .map(move |class| (row(class), class.module.as_str(), class.qualname.as_str()));
        first.chain(rest).map(|((address, object, heap), module, qualname)| TypeRow {
            object,
            address,
            module,
            qualname,
            basicsize: 0,
            itemsize: 0,
            flags: if heap { pyheap_format::reader::Type::HEAP_TYPE } else { 0 },
            base: None,
        })
    }
}

/// What objects of a file say of themselves.
struct Texts<'a> {
    file: &'a File<'a>,
    numbers: &'a HashMap<u64, u32>,
    previews: Previews,
}

impl<'a> Texts<'a> {
    fn object(&self, address: u64) -> Option<&'a Object<'a>> {
        self.file.objects.get(*self.numbers.get(&address)? as usize)
    }

    fn text(&self, object: &Object<'a>) -> Option<&'a str> {
        let text = object.representation.filter(|text| self.previews.is_whole(text))?;
        std::str::from_utf8(text).ok()
    }

    /// Module and qualified name of a type, from all that the file has of it; the module is empty where it is not known.
    fn full_name(&self, object: Option<&Object<'a>>, name: Option<&str>) -> (String, Option<String>) {
        let text = object.and_then(|object| self.text(object));
        let written = text.and_then(|text| text.strip_prefix("<class '")?.strip_suffix("'>"));
        let module = object.and_then(|object| self.module(object));
        match (written, module) {
            (Some(written), Some(module)) => {
                let rest = written.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
                (module.into(), Some(rest.unwrap_or(written).into()))
            }
            (Some(written), None) => match written.rsplit_once('.') {
                Some((module, name)) => (module.into(), Some(name.into())),
                None => ("builtins".into(), Some(written.into())),
            },
            (None, module) => (module.unwrap_or_default().into(), name.map(Into::into)),
        }
    }

    /// `__module__` of a class that was made by Python code: a str. That of others is a descriptor.
    fn module(&self, class: &Object<'a>) -> Option<&'a str> {
        let mut attributes = self.file.attributes(class);
        let (_, value) = attributes.find(|(name, _)| *name == b"__module__")?;
        let value = self.object(value)?;
        let (text, _) = self.file.well_known.iter().find(|(_, name)| name == "str")?;
        self.text(value).filter(|_| value.class == *text)
    }
}
