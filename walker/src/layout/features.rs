//! What a version does in its own way, beyond offsets. Each feature names the ways that there are among the known versions.

/// The ways of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// Where the GIL is.
    pub gil: Scope,
    /// Where the collector's state is.
    pub collector: Scope,
    /// Where the list of pending calls is.
    pub pending: Scope,
    /// How pending calls are made.
    pub pending_calls: PendingCalls,
    /// Offset of the generations in the collector's state in builds that a distribution has patched.
    pub patched_generations: Option<u32>,
    /// What the reference count says besides the count.
    pub reference_count: ReferenceCount,
    /// Where a class's instances keep their attributes.
    pub instance_values: InstanceValues,
    /// `tp_flags` of types, any of which puts two words before the objects, in front of the collector's head.
    pub prefix_flags: u64,
    /// Which objects' collector's head `sys.getsizeof` counts.
    pub counted_head: CountedHead,
    /// How the keys of a dict stand.
    pub dict_keys: DictKeys,
    /// How an `int` keeps sign and number of digits.
    pub int_tag: IntTag,
    /// What `int.__sizeof__` counts.
    pub int_sizeof: IntSizeof,
    /// What `bytearray.__sizeof__` counts.
    pub bytearray_sizeof: ByteArraySizeof,
    /// What `tp_traverse` of a struct sequence visits.
    pub struct_sequence: StructSequence,
    /// What a code object consists of.
    pub code: Code,
    /// What a code object keeps once it was computed.
    pub code_cache: CodeCache,
    /// How places among instructions become lines.
    pub line_table: LineTable,
    /// What a frame is.
    pub frames: Frames,
    /// What a frame's own references are.
    pub frame_references: FrameReferences,
    /// How a frame says how many slots of its evaluation stack are in use.
    pub stack_depth: StackDepth,
    /// How a frame says which instruction it is at.
    pub instruction: Instruction,
    /// Bytes in a pool of pymalloc (`POOL_SIZE` in `Objects/obmalloc.c`, `pycore_obmalloc.h`).
    pub pool_size: u64,
    /// Bytes from `_PyRuntime` on within which static objects stand; at least what the structure takes up to their end.
    pub runtime_objects: u64,
}

/// Whose a structure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// There is one, in `_PyRuntime`.
    Runtime,
    /// Each interpreter has its own, or names the one that it shares.
    Interpreter,
}

/// How pending calls are made (`Python/ceval.c`, `Python/ceval_gil.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingCalls {
    /// The main thread makes them; a flag says that there are some.
    MainThread,
    /// Any thread makes them; a flag says that there are some.
    AnyThread,
    /// Any thread makes them; they are counted, and a bit of each thread's `eval_breaker` says that there are some.
    Counted,
}

/// What `ob_refcnt` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceCount {
    /// A count.
    Plain,
    /// A count, of immortal objects one whose lower half is negative.
    Immortal,
    /// A count in the lower half, of immortal objects a negative one; flags in the upper.
    Half,
}

/// Where instances of classes keep attributes and dict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceValues {
    /// In a dict.
    Dict,
    /// Before the object stand a pointer to values and one to a dict.
    BeforeObject,
    /// Before the object stands a pointer to values, with its lowest bit set to 0 that of a dict.
    Tagged,
    /// Values stand behind the object's own fields, with a header; before it stands a pointer to a dict.
    Inline,
}

/// Which objects' collector's head `sys.getsizeof` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedHead {
    /// Of those that have one.
    Object,
    /// Of all those whose type has the flag.
    Type,
}

/// What a `PyDictKeysObject` is (`Objects/dict-common.h`, `pycore_dict.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DictKeys {
    /// A lookup function tells what keys are; an entry is hash, key and value.
    Lookup,
    /// A kind tells; entries of strings are key and value.
    Kind,
}

/// How an `int` keeps sign and number of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntTag {
    /// `ob_size`: the number, negative for a negative `int`.
    Size,
    /// `lv_tag`: the number from bit 3 on, the sign below.
    Tag,
}

/// What `int.__sizeof__` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntSizeof {
    /// Header and digits.
    Digits,
    /// Header and digits, of which 0 has one.
    OneDigit,
    /// `tp_basicsize` and digits, of which 0 has one.
    BasicSize,
}

/// What `bytearray.__sizeof__` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteArraySizeof {
    /// Header and buffer.
    Buffer,
    /// Header and the `bytes` object that has the buffer.
    BytesObject,
}

/// What `tp_traverse` of a struct sequence visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructSequence {
    /// As many items as its length says.
    Visible,
    /// All.
    All,
}

/// What a code object consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Instructions, names and cells are objects of their own.
    Separate,
    /// Instructions stand in the object, and one tuple names all variables of a frame.
    Inline,
}

/// What a code object keeps once it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCache {
    /// Nothing.
    Nothing,
    /// The instructions as `bytes`.
    Instructions,
    /// A structure: instructions and tuples of names.
    Structure,
}

/// How places among instructions become lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTable {
    /// `co_lnotab`: pairs of increments.
    Increments,
    /// `co_linetable`: pairs of length and increment.
    Ranges,
    /// `co_linetable`: locations.
    Locations,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// A `PyFrameObject`, which holds the one below.
    ObjectFrame,
    /// A `_PyInterpreterFrame`, on a thread's own stack or in a generator or frame object.
    InterpreterFrame,
}

/// What a frame's references to code, function, variables and values of the evaluation stack are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameReferences {
    /// Addresses of objects, all owned.
    Plain,
    /// `_PyStackRef` (`pycore_stackref.h`): the two lowest bits say whether the reference is owned, and what is no object.
    Tagged,
}

/// How a frame says how many slots of its evaluation stack are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackDepth {
    /// The address behind the last one; 0 while the frame runs.
    Pointer,
    /// Their number; negative while the frame runs.
    Count,
    /// Their number and that of the variables; negative while the frame runs.
    CountWithVariables,
}

/// How a frame says which instruction it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// An offset in bytes.
    Bytes,
    /// An offset in units of two bytes.
    Units,
    /// An address.
    Address,
}
