//! A `.pyheap` file of version 1, written by hand after its description.

/// Big-endian bytes.
#[derive(Default)]
pub struct File(pub Vec<u8>);

/// Types that the header names, and their addresses.
pub const WELL_KNOWN: [(&str, u64); 13] = [
    ("list", 0x100),
    ("tuple", 0x110),
    ("dict", 0x120),
    ("set", 0x130),
    ("str", 0x140),
    ("bytes", 0x150),
    ("bytearray", 0x160),
    ("int", 0x170),
    ("bool", 0x180),
    ("float", 0x190),
    ("object", 0x1A0),
    ("type", 0x1B0),
    ("NoneType", 0x1C0),
];

/// Types that it does not name.
pub const MODULE: u64 = 0x1D0;
pub const CLASS: u64 = 0x1000;

/// Sizes of what hangs from `ITEMS`, the list that only the thread's frame refers to.
pub const ITEMS: u64 = 0x3000;
pub const FIRST: u64 = 0x3010;
pub const SECOND: u64 = 0x3020;
pub const ITEMS_SIZES: [u32; 7] = [64, 48, 104, 5000, 48, 104, 6000];

/// Static types: their sizes are not allocated.
const STATIC_SIZE: u32 = 408;

pub fn well_known(name: &str) -> u64 {
    WELL_KNOWN.iter().find(|(known, _)| *known == name).expect("a well-known type").1
}

/// An object's parts behind type and size.
#[derive(Default)]
pub struct Parts<'a> {
    /// Addresses, for list, tuple, set and (keys and values in turn) dict.
    pub content: Option<&'a [u64]>,
    pub referents: &'a [u64],
    pub attributes: Option<&'a [(&'a str, u64)]>,
    pub text: Option<&'a str>,
}

impl File {
    pub fn u32(&mut self, number: u32) {
        self.0.extend(number.to_be_bytes());
    }

    pub fn u64(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u16).to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    fn addresses(&mut self, count: usize, addresses: &[u64]) {
        self.u32(count as u32);
        addresses.iter().for_each(|address| self.u64(*address));
    }

    /// The attribute names `__module__` and `next` are written as numbers of frequent ones.
    fn attributes(&mut self, attributes: &[(&str, u64)]) {
        self.u32(attributes.len() as u32);
        for (name, value) in attributes {
            match *name {
                "__module__" => self.0.extend((-1i16).to_be_bytes()),
                "next" => self.0.extend((-2i16).to_be_bytes()),
                name => self.text(name),
            }
            self.u64(*value);
        }
    }

    fn object(&mut self, address: u64, class: u64, size: u32, parts: Parts<'_>) {
        self.u64(address);
        self.u64(class);
        self.u32(size);
        if let Some(content) = parts.content {
            let width = if class == well_known("dict") { 2 } else { 1 };
            self.addresses(content.len() / width, content);
        }
        self.addresses(parts.referents.len(), parts.referents);
        if let Some(attributes) = parts.attributes {
            self.attributes(attributes);
        }
        if let Some(text) = parts.text {
            self.text(text);
        }
    }

    fn plain(&mut self, address: u64, class: &str, size: u32, text: &str) {
        let attributes = (class == "NoneType").then_some(&[][..]);
        let parts = Parts { attributes, text: Some(text), ..Parts::default() };
        self.object(address, well_known(class), size, parts);
    }

    fn container(&mut self, address: u64, class: &str, size: u32, content: &[u64]) {
        // Tuples have attributes of their own; the other three types are common ones.
        let attributes = (class == "tuple").then_some(&[][..]);
        let parts = Parts { content: Some(content), attributes, ..Parts::default() };
        self.object(address, well_known(class), size, parts);
    }

    fn class(&mut self, address: u64, text: &str, attributes: &[(&str, u64)], referents: &[u64], size: u32) {
        let parts = Parts { referents, attributes: Some(attributes), text: Some(text), ..Parts::default() };
        self.object(address, well_known("type"), size, parts);
    }
}

/// Everything before the objects.
fn front() -> File {
    let mut file = File::default();
    file.u64(123_000_321);
    file.u32(1);
    file.text("2024-05-06T07:08:09+02:00");
    file.u64(1);
    file.u32(WELL_KNOWN.len() as u32);
    for (name, address) in WELL_KNOWN {
        file.text(name);
        file.u64(address);
    }
    file.u32(1);
    file.text("worker");
    file.0.extend([1, 0]);
    file.u32(2);
    file.text("/srv/app.py");
    file.u32(12);
    file.text("handle");
    file.u32(1);
    file.text("items");
    file.u64(ITEMS);
    file.text("/srv/main.py");
    file.u32(3);
    file.text("<module>");
    file.u32(0);
    file.u32(2);
    file.text("__module__");
    file.text("next");
    let common = ["int", "float", "bool", "str", "bytes", "list", "set", "dict"];
    file.u32(common.len() as u32);
    for name in common {
        file.u64(well_known(name));
        file.attributes(&[("__module__", 0x9999), ("other", 0x9999)]);
    }
    file
}

/// The whole file, and where each of its objects begins.
pub fn file() -> (Vec<u8>, Vec<usize>) {
    let mut file = front();
    let mut starts = Vec::new();
    let objects: &[&dyn Fn(&mut File)] = &[
        // Types: static ones have no referents that the collector knows of.
        &|file| file.class(well_known("type"), "<class 'type'>", &[], &[], STATIC_SIZE),
        &|file| file.class(well_known("str"), "<class 'str'>", &[("join", 0x2500)], &[], STATIC_SIZE),
        &|file| file.class(MODULE, "<class 'module'>", &[("__module__", 0x2600)], &[], STATIC_SIZE),
        &|file| {
            let attributes = [("__module__", 0x1030), ("__mro__", 0x2600)];
            file.class(CLASS, "<class 'app.Outer.Node'>", &attributes, &[0x1010, 0x1020], 1064);
        },
        &|file| file.container(0x1010, "tuple", 56, &[CLASS, well_known("object")]),
        &|file| file.container(0x1020, "dict", 232, &[0x1040, 0x1030]),
        &|file| file.plain(0x1030, "str", 52, "app"),
        &|file| file.plain(0x1040, "str", 59, "__module__"),
        &|file| file.plain(0x2500, "NoneType", 16, "<method 'join' of 'str' objects>"),
        &|file| file.plain(0x2600, "NoneType", 16, "<attribute of type>"),
        // The module sys, and what it lists.
        &|file| {
            let attributes = [
                ("modules", 0x2100),
                ("meta_path", 0x2120),
                ("getrefcount", 0x2600),
                ("setswitchinterval", 0x2600),
            ];
            let parts = Parts {
                referents: &[0x2110],
                attributes: Some(&attributes),
                text: Some("<module 'sys' (built-in)>"),
                ..Parts::default()
            };
            file.object(0x2000, MODULE, 72, parts);
        },
        &|file| file.container(0x2100, "dict", 232, &[0x2130, 0x2000]),
        &|file| file.container(0x2110, "dict", 232, &[0x2140, 0x2100, 0x2150, 0x2120, 0x2160, 0x2600]),
        &|file| file.container(0x2120, "list", 88, &[0x2170, 0x2180, 0x7777, 0x2190]),
        &|file| file.plain(0x2130, "str", 52, "sys"),
        &|file| file.plain(0x2140, "str", 56, "modules"),
        &|file| file.plain(0x2150, "str", 58, "meta_path"),
        &|file| file.plain(0x2160, "str", 60, "getrefcount"),
        &|file| file.plain(0x2170, "int", 32, "-1180591620717411303424"),
        &|file| file.plain(0x2180, "float", 24, "0.1"),
        &|file| file.plain(0x2190, "bool", 28, "True"),
        // Two objects that refer to each other, with what each holds alone.
        &|file| file.container(ITEMS, "list", ITEMS_SIZES[0], &[FIRST, FIRST]),
        &|file| {
            let attributes = [("__module__", 0x1030), ("next", SECOND), ("data", 0x3012)];
            let text = Some("<app.Outer.Node object at 0x3010>");
            let parts = Parts {
                referents: &[CLASS, 0x3011],
                attributes: Some(&attributes),
                text,
                ..Parts::default()
            };
            file.object(FIRST, CLASS, ITEMS_SIZES[1], parts);
        },
        &|file| file.container(0x3011, "dict", ITEMS_SIZES[2], &[0x3101, SECOND, 0x3102, 0x3012]),
        &|file| file.plain(0x3012, "bytes", ITEMS_SIZES[3], "b'first'"),
        &|file| {
            // Values that stand in the object itself.
            let attributes = [("__module__", 0x1030), ("next", FIRST), ("data", 0x3022), ("more", 0x3021)];
            let text = Some("<app.Outer.Node object at 0x3020>");
            let parts = Parts {
                referents: &[CLASS, FIRST, 0x3021, 0x3022],
                attributes: Some(&attributes),
                text,
                ..Parts::default()
            };
            file.object(SECOND, CLASS, ITEMS_SIZES[4], parts);
        },
        &|file| file.container(0x3021, "dict", ITEMS_SIZES[5], &[]),
        &|file| file.plain(0x3022, "bytes", ITEMS_SIZES[6], "b'second, as long as any text in here can be'"),
        &|file| file.plain(0x3101, "str", 53, "next"),
        &|file| file.plain(0x3102, "str", 53, "data"),
        // Nothing refers to this one; and these two refer only to each other.
        &|file| file.container(0x4000, "set", 216, &[0x1030]),
        &|file| file.container(0x5000, "list", 64, &[0x5010]),
        &|file| file.container(0x5010, "list", 64, &[0x5000]),
    ];
    file.u32(objects.len() as u32);
    for write in objects {
        starts.push(file.0.len());
        write(&mut file);
    }
    file.u32(WELL_KNOWN.len() as u32 + 2);
    for (name, address) in WELL_KNOWN.iter().copied().chain([("module", MODULE), ("Node", CLASS)]) {
        file.u64(address);
        file.text(name);
    }
    file.u64(123_000_321);
    (file.0, starts)
}
