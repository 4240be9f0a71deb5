//! CPython 3.11, GIL build, 64-bit.

use super::offsets::v3_11::OFFSETS;
use super::{
    ByteArraySizeof, Code, CodeCache, CountedHead, DictKeys, Features, FrameReferences, Frames,
    InstanceValues, Instruction, IntSizeof, IntTag, Layout, LineTable, PendingCalls, ReferenceCount, Scope,
    StackDepth, StructSequence, flag,
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
        instance_values: InstanceValues::BeforeObject,
        prefix_flags: flag::MANAGED_DICT,
        counted_head: CountedHead::Type,
        dict_keys: DictKeys::Kind,
        int_tag: IntTag::Size,
        int_sizeof: IntSizeof::OneDigit,
        bytearray_sizeof: ByteArraySizeof::Buffer,
        struct_sequence: StructSequence::All,
        code: Code::Inline,
        code_cache: CodeCache::Instructions,
        line_table: LineTable::Locations,
        frames: Frames::InterpreterFrame,
        frame_references: FrameReferences::Plain,
        stack_depth: StackDepth::CountWithVariables,
        instruction: Instruction::Address,
        pool_size: 16 * 1024,
        runtime_objects: 64 * 1024,
    },
};
