//! CPython 3.15, GIL build, 64-bit.

use super::offsets::v3_15::OFFSETS;
use super::{
    ByteArraySizeof, Code, CodeCache, CountedHead, DictKeys, Features, FrameReferences, Frames,
    InstanceValues, Instruction, IntSizeof, IntTag, Layout, LineTable, PendingCalls, ReferenceCount, Scope,
    StackDepth, StructSequence, flag,
};

pub(super) const LAYOUT: Layout = Layout {
    offsets: OFFSETS,
    features: Features {
        gil: Scope::Interpreter,
        collector: Scope::Interpreter,
        pending: Scope::Interpreter,
        pending_calls: PendingCalls::Counted,
        patched_generations: None,
        reference_count: ReferenceCount::Half,
        instance_values: InstanceValues::Inline,
        prefix_flags: flag::MANAGED_DICT | flag::MANAGED_WEAKREF,
        counted_head: CountedHead::Object,
        dict_keys: DictKeys::Kind,
        int_tag: IntTag::Tag,
        int_sizeof: IntSizeof::BasicSize,
        bytearray_sizeof: ByteArraySizeof::BytesObject,
        struct_sequence: StructSequence::All,
        code: Code::Inline,
        code_cache: CodeCache::Structure,
        line_table: LineTable::Locations,
        frames: Frames::InterpreterFrame,
        frame_references: FrameReferences::Tagged,
        stack_depth: StackDepth::Pointer,
        instruction: Instruction::Address,
        pool_size: 16 * 1024,
        runtime_objects: 128 * 1024,
    },
};
