//! The fixed names: fields of CPython's structures in edges, and what the interpreter and threads call their roots.
//!
//! A dump numbers its names itself; these are the texts that all writers give them and all readers know them by.

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as it stands in a dump.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The variant of this text, if there is one.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// A field of an object's C structure, by CPython's own name or the attribute that shows it.
    FieldName {
        /// `__dict__`
        Dict = "__dict__",
        /// `__code__`
        Code = "__code__",
        /// `__globals__`
        Globals = "__globals__",
        /// `__builtins__`
        Builtins = "__builtins__",
        /// `__defaults__`
        Defaults = "__defaults__",
        /// `__kwdefaults__`
        Kwdefaults = "__kwdefaults__",
        /// `__closure__`
        Closure = "__closure__",
        /// `__doc__`
        Doc = "__doc__",
        /// `__name__`
        Name = "__name__",
        /// `__qualname__`
        Qualname = "__qualname__",
        /// `__module__`
        Module = "__module__",
        /// `__annotations__`
        Annotations = "__annotations__",
        /// `__type_params__`
        TypeParams = "__type_params__",
        /// `__annotate__`
        Annotate = "__annotate__",
        /// `__self__`
        SelfObject = "__self__",
        /// `__func__`
        Func = "__func__",
        /// `__objclass__`
        Objclass = "__objclass__",
        /// `__wrapped__`
        Wrapped = "__wrapped__",
        /// `co_code`
        CoCode = "co_code",
        /// `co_consts`
        CoConsts = "co_consts",
        /// `co_names`
        CoNames = "co_names",
        /// `co_varnames`
        CoVarnames = "co_varnames",
        /// `co_freevars`
        CoFreevars = "co_freevars",
        /// `co_cellvars`
        CoCellvars = "co_cellvars",
        /// `co_localsplusnames`
        CoLocalsplusnames = "co_localsplusnames",
        /// `co_localspluskinds`
        CoLocalspluskinds = "co_localspluskinds",
        /// `co_filename`
        CoFilename = "co_filename",
        /// `co_name`
        CoName = "co_name",
        /// `co_qualname`
        CoQualname = "co_qualname",
        /// `co_linetable`
        CoLinetable = "co_linetable",
        /// `co_exceptiontable`
        CoExceptiontable = "co_exceptiontable",
        /// `_co_code`
        CoCachedCode = "_co_code",
        /// `_co_varnames`
        CoCachedVarnames = "_co_varnames",
        /// `_co_cellvars`
        CoCachedCellvars = "_co_cellvars",
        /// `_co_freevars`
        CoCachedFreevars = "_co_freevars",
        /// `__bases__`
        Bases = "__bases__",
        /// `__base__`
        Base = "__base__",
        /// `__mro__`
        Mro = "__mro__",
        /// `tp_cache`
        TpCache = "tp_cache",
        /// `__subclasses__`
        Subclasses = "__subclasses__",
        /// `__slots__`
        Slots = "__slots__",
        /// Cached keys.
        CachedKeys = "cached keys",
        /// `__referent__`
        Referent = "__referent__",
        /// `__callback__`
        Callback = "__callback__",
        /// `f_back`
        FBack = "f_back",
        /// `f_code`
        FCode = "f_code",
        /// `f_func`
        FFunc = "f_func",
        /// `f_globals`
        FGlobals = "f_globals",
        /// `f_builtins`
        FBuiltins = "f_builtins",
        /// `f_locals`
        FLocals = "f_locals",
        /// `f_trace`
        FTrace = "f_trace",
        /// `frame`
        Frame = "frame",
        /// `gi_frame`
        GiFrame = "gi_frame",
        /// `gi_code`
        GiCode = "gi_code",
        /// `cr_origin`
        CrOrigin = "cr_origin",
        /// `exc_value`
        ExcValue = "exc_value",
        /// `args`
        Args = "args",
        /// `__notes__`
        Notes = "__notes__",
        /// `__traceback__`
        Traceback = "__traceback__",
        /// `__context__`
        Context = "__context__",
        /// `__cause__`
        Cause = "__cause__",
        /// `tb_next`
        TbNext = "tb_next",
        /// `tb_frame`
        TbFrame = "tb_frame",
        /// `fget`
        Fget = "fget",
        /// `fset`
        Fset = "fset",
        /// `fdel`
        Fdel = "fdel",
        /// `start`
        Start = "start",
        /// `stop`
        Stop = "stop",
        /// `step`
        Step = "step",
        /// `length`
        Length = "length",
        /// `mapping`
        Mapping = "mapping",
        /// `iterated`
        Iterated = "iterated",
        /// `obj`
        Obj = "obj",
        /// `base`
        BaseArray = "base",
        /// `dtype`
        Dtype = "dtype",
        /// `tzinfo`
        Tzinfo = "tzinfo",
        /// `offset`
        Offset = "offset",
        /// `func`
        Function = "func",
        /// `keywords`
        Keywords = "keywords",
        /// `cache`
        Cache = "cache",
        /// `key`
        Key = "key",
        /// `result`
        Result = "result",
        /// `default_factory`
        DefaultFactory = "default_factory",
        /// `name`
        DatetimeName = "name",
        /// `callable`
        IterCallable = "callable",
        /// `sentinel`
        Sentinel = "sentinel",
        /// `exporter`
        Exporter = "exporter",
        /// Managed buffer.
        ManagedBuffer = "managed buffer",
        /// `__origin__`
        Origin = "__origin__",
        /// `__parameters__`
        Parameters = "__parameters__",
        /// `__thisclass__`
        ThisClass = "__thisclass__",
        /// `__self_class__`
        SelfClass = "__self_class__",
        /// `link`
        Link = "link",
        /// `traps`
        Traps = "traps",
        /// `flags`
        Flags = "flags",
        /// `__class__`
        Class = "__class__",
        /// Copy of the module's dict.
        Copy = "copy of the module's dict",
        /// `_abc_registry`
        AbcRegistry = "_abc_registry",
        /// `_abc_cache`
        AbcCache = "_abc_cache",
        /// `_abc_negative_cache`
        AbcNegativeCache = "_abc_negative_cache",
    }
}

named! {
    /// What the interpreter or a thread holds a root by.
    RootName {
        /// `sys.modules`.
        Modules = "modules",
        /// `sys.__dict__`.
        SysDict = "sysdict",
        /// `builtins.__dict__`.
        Builtins = "builtins",
        /// What extensions keep per interpreter (`PyInterpreterState_GetDict`).
        InterpreterDict = "interpreter dict",
        /// Modules by the index of their definition.
        ModulesByIndex = "modules by index",
        /// `importlib._bootstrap`.
        Importlib = "importlib",
        /// `builtins.__import__` as the interpreter keeps it.
        ImportFunc = "__import__",
        /// Search functions of `codecs`.
        CodecSearchPath = "codec search path",
        /// Codecs that were found.
        CodecSearchCache = "codec search cache",
        /// Error handlers of `codecs`.
        CodecErrorRegistry = "codec error registry",
        /// What extensions keep per thread (`PyThreadState_GetDict`).
        ThreadDict = "thread dict",
        /// The current `contextvars.Context`.
        Context = "context",
        /// An exception that another thread has set.
        AsyncException = "asynchronous exception",
        /// Argument of `sys.setprofile`.
        ProfileFunction = "profile function",
        /// Argument of `sys.settrace`.
        TraceFunction = "trace function",
        /// A hook of `sys.set_asyncgen_hooks`.
        AsyncGenHook = "asynchronous generator hook",
        /// The exception being raised.
        CurrentException = "current exception",
        /// An exception being handled.
        HandledException = "handled exception",
        /// The innermost frame, where frames are objects (3.10 and before).
        Frame = "frame",
    }
}

impl RootName {
    /// The expression by which a Python programmer reaches it, where there is one.
    pub const fn expression(self) -> Option<&'static str> {
        match self {
            Self::Modules => Some("sys.modules"),
            Self::SysDict => Some("sys.__dict__"),
            Self::Builtins => Some("builtins.__dict__"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique() {
        assert!(FieldName::ALL.iter().all(|name| FieldName::from_text(name.text()) == Some(*name)));
        assert!(RootName::ALL.iter().all(|name| RootName::from_text(name.text()) == Some(*name)));
    }
}
