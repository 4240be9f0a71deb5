//! Which layouts the walker knows, and by which `tp_name` it recognises them.

/// The layout of a type's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing but the header, and what members and fields say.
    Object,
    Int,
    Bool,
    Float,
    Complex,
    Str,
    Bytes,
    ByteArray,
    /// None, Ellipsis, NotImplemented.
    Constant,
    List,
    Tuple,
    Dict,
    OrderedDict,
    Set,
    Type,
    Function,
    Builtin,
    Descriptor,
    Module,
    Code,
    /// Generators, coroutines, asynchronous generators.
    Generator,
    Frame,
    Exception,
    Deque,
    Array,
    NdArray,
    DateTime,
    Time,
    /// The wrapper of `functools.lru_cache`.
    LruCache,
}

/// The layout that a `tp_name` stands for.
pub(crate) fn kind_of(tp_name: &[u8]) -> Option<Kind> {
    Some(match tp_name {
        b"object" => Kind::Object,
        b"int" => Kind::Int,
        b"bool" => Kind::Bool,
        b"float" => Kind::Float,
        b"complex" => Kind::Complex,
        b"str" => Kind::Str,
        b"bytes" => Kind::Bytes,
        b"bytearray" => Kind::ByteArray,
        b"NoneType" | b"ellipsis" | b"NotImplementedType" => Kind::Constant,
        b"list" => Kind::List,
        b"tuple" => Kind::Tuple,
        b"dict" | b"frozendict" => Kind::Dict,
        b"collections.OrderedDict" => Kind::OrderedDict,
        b"set" | b"frozenset" => Kind::Set,
        b"type" => Kind::Type,
        b"function" => Kind::Function,
        b"builtin_function_or_method" | b"builtin_method" => Kind::Builtin,
        b"method_descriptor"
        | b"classmethod_descriptor"
        | b"member_descriptor"
        | b"getset_descriptor"
        | b"wrapper_descriptor" => Kind::Descriptor,
        b"module" => Kind::Module,
        b"code" => Kind::Code,
        b"generator" | b"coroutine" | b"async_generator" => Kind::Generator,
        b"frame" => Kind::Frame,
        b"BaseException" => Kind::Exception,
        b"collections.deque" => Kind::Deque,
        b"array.array" => Kind::Array,
        b"numpy.ndarray" => Kind::NdArray,
        b"datetime.datetime" => Kind::DateTime,
        b"datetime.time" => Kind::Time,
        b"functools._lru_cache_wrapper" => Kind::LruCache,
        b"method" | b"cell" => Kind::Object,
        _ => return None,
    })
}

/// Whether a layout tells all that `tp_traverse` would, so that it need not be called.
pub(crate) fn is_closed(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Generator
            | Kind::Frame
            | Kind::Exception
            | Kind::Module
            | Kind::OrderedDict
            | Kind::Builtin
            | Kind::Descriptor
            | Kind::NdArray
            | Kind::Deque
            | Kind::Type
            | Kind::LruCache
    )
}

/// Whether the walker computes what this type's own `__sizeof__` answers.
pub(crate) fn sizeof_is_known(tp_name: &[u8]) -> bool {
    matches!(
        tp_name,
        b"object"
            | b"type"
            | b"int"
            | b"str"
            | b"bytes"
            | b"list"
            | b"tuple"
            | b"dict"
            | b"frozendict"
            | b"set"
            | b"frozenset"
            | b"bytearray"
            | b"code"
            | b"generator"
            | b"coroutine"
            | b"async_generator"
            | b"frame"
            | b"collections.deque"
            | b"array.array"
            | b"collections.OrderedDict"
            | b"numpy.ndarray"
    )
}
