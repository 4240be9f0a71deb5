//! What is known of builtin types, a file each: which references their objects hold, how large they are, what a preview says of them.

mod bytes;
pub(crate) mod class;
mod code;
mod datetime;
mod deque;
mod dict;
mod digest;
pub(crate) mod fields;
pub(crate) mod frames;
mod instance;
mod int;
pub(crate) mod kinds;
mod list;
mod lru_cache;
mod ndarray;
mod preview;
mod set;
mod shared_values;
mod text;
mod tuple;

use crate::layout::fixed;
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk};
use kinds::Kind;
use pyheap_format::FieldName;
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// The references that the object's layout names.
    pub(crate) fn layout_referents(
        &mut self,
        address: u64,
        info: &TypeInfo,
        reach: Reach,
    ) -> Result<(), Fault> {
        match info.kind {
            Kind::List => self.list_referents(address, reach)?,
            Kind::Tuple => self.tuple_referents(address, info, reach)?,
            Kind::Dict | Kind::OrderedDict => self.dict_entries(address, reach)?,
            Kind::Set => self.set_members(address, reach)?,
            Kind::Function => {
                let fields = fields::function_fields(&self.interpreter.layout.offsets);
                self.fields(address, &fields, reach)?;
            }
            Kind::Module => {
                let name = fields::owned(FieldName::Name, self.interpreter.layout.offsets.md_name);
                self.fields(address, &[name], reach)?;
            }
            Kind::Code => self.code_referents(address, reach)?,
            Kind::Type => self.type_referents(address, reach)?,
            Kind::Generator => self.generator_referents(address, info, reach)?,
            Kind::Frame => self.frame_object_referents(address, reach)?,
            Kind::Exception => {
                let fields = fields::exception_fields(&self.interpreter.layout.offsets);
                self.fields(address, &fields, reach)?;
            }
            Kind::Deque => self.deque_elements(address, reach)?,
            Kind::NdArray => self.array_referents(address, reach)?,
            Kind::DateTime => self.datetime_referents(address, reach)?,
            Kind::Time => self.time_referents(address, reach)?,
            Kind::LruCache => self.lru_links(address, reach)?,
            _ => {}
        }
        self.fields(address, info.fields, reach)?;
        self.instance_referents(address, info, reach)
    }

    /// Sizes and length.
    pub(crate) fn measure_kind(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let size = || self.memory.word(address + fixed::OB_SIZE);
        let mut measure = match info.kind {
            Kind::Int | Kind::Bool => self.measure_int(address, info)?,
            Kind::Str => self.measure_str(address, info)?,
            Kind::List => self.measure_list(address, info)?,
            Kind::Tuple | Kind::Bytes => {
                let length = size()?;
                let items = info.itemsize.saturating_mul(length);
                Measure { length: Some(length), ..Measure::plain(info.basicsize.saturating_add(items)) }
            }
            Kind::Dict | Kind::OrderedDict => self.measure_dict(address, info)?,
            Kind::Set => self.measure_set(address, info)?,
            Kind::ByteArray => self.measure_bytearray(address, info)?,
            Kind::Type => self.measure_type(address, info)?,
            Kind::Code => self.measure_code(address, info)?,
            Kind::Generator => self.measure_generator(address, info)?,
            Kind::Frame => self.measure_frame(address, info)?,
            Kind::Deque => self.measure_deque(address, info)?,
            Kind::Array => self.measure_array(address, info)?,
            Kind::NdArray => self.measure_ndarray(address, info)?,
            _ if info.itemsize != 0 => {
                let items = info.itemsize.saturating_mul((size()? as i64).unsigned_abs());
                Measure::plain(info.basicsize.saturating_add(items))
            }
            _ => Measure::plain(info.basicsize),
        };
        self.measure_values(address, info, &mut measure)?;
        Ok(measure)
    }
}
