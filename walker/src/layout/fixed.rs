//! Offsets of fields and sizes of structures that are the same in all known versions, in bytes. `layouts/offsets.c` prints these too, and
//! a test compares them in each version.

macro_rules! fixed {
    ($($name:ident = $value:literal,)*) => {
        $(pub(crate) const $name: u64 = $value;)*

        /// All of them with their names.
        pub(super) const FIXED: &[(&str, u32)] = &[$((stringify!($name), $value),)*];
    };
}

fixed! {
    OB_TYPE = 8,
    OB_SIZE = 16,
    GC_HEAD = 16,
    TSTATE_INTERP = 16,
    TP_NAME = 24,
    TP_BASICSIZE = 32,
    TP_ITEMSIZE = 40,
    TP_FLAGS = 168,
    TP_TRAVERSE = 184,
    TP_BASE = 256,
    TP_DICT = 264,
    TP_DICTOFFSET = 288,
    TP_MRO = 344,
    LIST_ITEMS = 24,
    LIST_ALLOCATED = 32,
    SET_USED = 24,
    SET_MASK = 32,
    SET_TABLE = 40,
    SET_SMALLTABLE = 64,
    DICT_USED = 16,
    DICT_KEYS = 32,
    DICT_VALUES = 40,
    BYTEARRAY_ALLOC = 24,
    BYTEARRAY_BYTES = 32,
    BYTEARRAY_START = 40,
    FLOAT_VALUE = 16,
    COMPLEX_VALUE = 16,
    STR_LENGTH = 16,
    CELL_REF = 16,
    BUILTIN_METHOD = 16,
    BUILTIN_MODULE = 32,
    DESCR_TYPE = 16,
    DESCR_NAME = 24,
}
