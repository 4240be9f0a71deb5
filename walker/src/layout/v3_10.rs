//! CPython 3.10, GIL build, 64-bit.

use super::offsets::v3_10::OFFSETS;
use super::{
    ByteArraySizeof, Code, CodeCache, CountedHead, DictKeys, Features, FrameReferences, Frames,
    InstanceValues, Instruction, IntSizeof, IntTag, Layout, LineTable, PendingCalls, ReferenceCount, Scope,
    StackDepth, StructSequence,
};

pub(super) const LAYOUT: Layout = Layout {
    offsets: OFFSETS,
    features: Features {
        gil: Scope::Runtime,
        collector: Scope::Interpreter,
        pending: Scope::Interpreter,
        pending_calls: PendingCalls::MainThread,
        patched_generations: None,
        reference_count: ReferenceCount::Plain,
        instance_values: InstanceValues::Dict,
        prefix_flags: 0,
        counted_head: CountedHead::Object,
        dict_keys: DictKeys::Lookup,
        int_tag: IntTag::Size,
        int_sizeof: IntSizeof::Digits,
        bytearray_sizeof: ByteArraySizeof::Buffer,
        struct_sequence: StructSequence::All,
        code: Code::Separate,
        code_cache: CodeCache::Nothing,
        line_table: LineTable::Ranges,
        frames: Frames::ObjectFrame,
        frame_references: FrameReferences::Plain,
        stack_depth: StackDepth::Count,
        instruction: Instruction::Units,
        pool_size: 16 * 1024,
        runtime_objects: 0,
    },
};
