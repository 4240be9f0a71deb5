//! The numbers of the format: flags, kinds, packed edge names.

use core::fmt;

/// Number of an object: its rank in the order in which the walk first saw it.
pub type ObjectNumber = u32;

/// Number of a type in the types records.
pub type TypeNumber = u32;

/// Number of a name in the names records; at most 2^24 - 2 when used in an edge.
pub type NameNumber = u32;

/// Objects in every objects record but the last.
pub const OBJECTS_PER_RECORD: usize = 8192;

/// Edges in every edges record but the last.
pub const EDGES_PER_RECORD: usize = 65536;

/// In a compact column: the number stands in the escapes.
pub const ESCAPE: u16 = 0xFFFF;

/// "No thread", "no frame", "no name" in a roots record.
pub const NONE: u32 = 0xFFFF_FFFF;

/// Major and minor version that this crate writes.
pub const FORMAT_VERSION: (u32, u32) = (1, 1);

/// Flags of an object.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectFlags(pub u8);

impl ObjectFlags {
    /// Tracked by the garbage collector.
    pub const TRACKED: Self = Self(0x01);
    /// Memory or `tp_traverse` faulted: fields are 0 where unknown, edges may be missing.
    pub const UNREADABLE: Self = Self(0x02);
    /// Referents are unknown: only native code knows the layout.
    pub const OPAQUE: Self = Self(0x04);
    /// Sizes are estimated.
    pub const ESTIMATED: Self = Self(0x08);
    /// The reference count never changes.
    pub const IMMORTAL: Self = Self(0x10);
    /// Part of an executable or library, not allocated.
    pub const STATIC: Self = Self(0x20);
    /// The length is meaningful.
    pub const HAS_LENGTH: Self = Self(0x40);

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the flags of `other`.
    pub fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for ObjectFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::TRACKED, "tracked"),
            (Self::UNREADABLE, "unreadable"),
            (Self::OPAQUE, "opaque"),
            (Self::ESTIMATED, "estimated"),
            (Self::IMMORTAL, "immortal"),
            (Self::STATIC, "static"),
            (Self::HAS_LENGTH, "has_length"),
        ];
        f.debug_set()
            .entries(names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| name))
            .finish()
    }
}

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_meta])* $variant = $value,)* }

        impl $name {
            /// The variant of this number, if there is one.
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($value => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

numbered! {
    /// What an edge's name consists of.
    EdgeKind {
        /// A referent that `tp_traverse` visits, of unknown name.
        Unnamed = 0,
        /// A field of the object's C structure; payload: name number.
        Field = 1,
        /// An attribute stored in inline values or a slot; payload: name number.
        Attribute = 2,
        /// Element of a sequence; payload: index minus the number of element edges before it in the object.
        Element = 3,
        /// Key of a dict.
        Key = 4,
        /// Value of a dict; its key is the target of the edge before.
        Value = 5,
        /// Member of a set.
        Member = 6,
        /// Closure variable; payload: name number.
        Variable = 7,
        /// Local variable of a frame, generator or coroutine; payload: name number.
        Local = 8,
        /// Slot of an evaluation stack; payload as for elements.
        Stack = 9,
        /// Content of a cell.
        Cell = 10,
    }
}

numbered! {
    /// How an edge was found.
    EdgeSource {
        /// `tp_traverse` visits it.
        Traverse = 0,
        /// Known from the object's layout only.
        Layout = 1,
        /// A frame's variable or stack.
        Frame = 2,
    }
}

numbered! {
    /// What a preview's bytes are.
    PreviewKind {
        /// First characters of a str, UTF-8, lone surrogates encoded as characters.
        Text = 0,
        /// First bytes.
        Bytes = 1,
        /// Sign byte, then magnitude, little-endian.
        Integer = 2,
        /// IEEE 754 binary64, little-endian.
        Float = 3,
        /// Two binary64.
        Complex = 4,
        /// Qualified name.
        Name = 5,
        /// `qualified name NUL file name NUL first line`.
        Code = 6,
        /// One byte.
        Boolean = 7,
        /// The constant's name.
        Constant = 8,
    }
}

numbered! {
    /// What holds a root.
    RootKind {
        /// The interpreter.
        Interpreter = 0,
        /// A frame's variable or field.
        Local = 1,
        /// A frame's evaluation stack.
        Stack = 2,
        /// Perhaps a frame's evaluation stack: the slot may be stale.
        Possible = 3,
        /// A static type: its own root.
        Static = 4,
        /// A thread state.
        Thread = 5,
        /// Perhaps a variable of a library or a field of an interpreter's state.
        Data = 6,
    }
}

impl EdgeSource {
    /// The source in one word.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Traverse => "traverse",
            Self::Layout => "layout",
            Self::Frame => "frame",
        }
    }
}

impl RootKind {
    /// Whether the place may hold something that is no reference: then the object's reference count tells.
    pub fn is_possible(self) -> bool {
        matches!(self, Self::Possible | Self::Data)
    }
}

/// The packed name of an edge: kind, source, ownership, payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeName(pub u32);

impl EdgeName {
    /// Payload of a name that was not recorded.
    pub const UNRECORDED: u32 = 0xFF_FFFF;

    /// Packs a name. A payload that does not fit becomes [`Self::UNRECORDED`].
    pub fn new(kind: EdgeKind, source: EdgeSource, owned: bool, payload: u32) -> Self {
        let payload = if payload > Self::UNRECORDED { Self::UNRECORDED } else { payload };
        Self(kind as u32 | (source as u32) << 5 | u32::from(owned) << 7 | payload << 8)
    }

    /// The kind; numbers of later minor versions read as [`EdgeKind::Unnamed`].
    pub fn kind(self) -> EdgeKind {
        EdgeKind::from_number((self.0 & 0x1F) as u8).unwrap_or(EdgeKind::Unnamed)
    }

    /// How the edge was found.
    pub fn source(self) -> EdgeSource {
        EdgeSource::from_number((self.0 >> 5 & 3) as u8).unwrap_or(EdgeSource::Layout)
    }

    /// Whether the edge owns a reference to its target.
    pub fn owned(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Name number or index, according to the kind.
    pub fn payload(self) -> u32 {
        self.0 >> 8
    }
}

/// An edge: target and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The object referred to.
    pub target: ObjectNumber,
    /// How and under what name.
    pub name: EdgeName,
}

/// What stands for the whole content of an object: objects of one type with equal digests have, but for one chance in 2^64, equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    /// XXH3-64 of the content, as docs/format.md says.
    pub value: u64,
    /// Every element is the same.
    pub uniform: bool,
}
