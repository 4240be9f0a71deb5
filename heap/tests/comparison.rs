//! Three dumps of one process: what is taken for a survivor, and how often wrongly.

use pyheap_format::Summary;
use pyheap_format::header::{Footer, Header};
use pyheap_format::reader::Dump;
use pyheap_format::vocabulary::FORMAT_VERSION;
use pyheap_format::writer::{ObjectRow, Sink, TypeRow, Writer};
use pyheap_format::{ObjectFlags, PreviewKind};
use pyheap_heap::{growth, same_process, survivors};
use std::convert::Infallible;

/// An object: slot of the allocator, and its serial number, which is the content of texts.
type Slot = (u64, u64);

struct Stream<'a>(&'a mut Vec<u8>);

impl Sink for Stream<'_> {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A dump of objects of one type; texts have previews, others have not.
fn dump(pid: u32, are_texts: bool, slots: &[Slot]) -> Dump {
    let header = Header { format: "pyheap".into(), version: FORMAT_VERSION, pid, ..Header::default() };
    let mut bytes = header.to_record();
    let mut writer = Writer::new(Stream(&mut bytes));
    let (module, qualname) = if are_texts { ("builtins", "str") } else { ("app", "Session") };
    writer.type_row(&TypeRow {
        object: 0,
        address: 8,
        module,
        qualname,
        basicsize: 16,
        itemsize: 0,
        flags: 0,
        base: None,
    });
    for (slot, serial) in slots {
        let text = format!("text {serial}");
        if are_texts {
            let Ok(()) = writer.preview(PreviewKind::Text, text.as_bytes());
        }
        let flags = ObjectFlags::HAS_LENGTH;
        let (address, length) = (4096 + slot * 64, text.len() as u64);
        let row = ObjectRow { address, flags, length, allocated: 64, refcount: 1, ..ObjectRow::default() };
        let Ok(()) = writer.object(&row);
    }
    let Ok(()) = writer.finish(&Summary::default());
    drop(writer);
    bytes.extend(Footer::default().to_record());
    Dump::from_bytes(&bytes).unwrap()
}

/// Three dumps: 500 objects are there from the start; 1,000 come before the second dump; before the third, 300 of
/// these go and others of the same type take their places at once, as an allocator does it.
fn churn(are_texts: bool) -> [Dump; 3] {
    let old: Vec<Slot> = (0..500).map(|slot| (slot, slot)).collect();
    let new: Vec<Slot> = (0..1500).map(|slot| (slot, slot)).collect();
    let renewed = |slot: u64| (700..1000).contains(&slot);
    let newest: Vec<Slot> =
        (0..1500).map(|slot| (slot, if renewed(slot) { 10_000 + slot } else { slot })).collect();
    [dump(1, are_texts, &old), dump(1, are_texts, &new), dump(1, are_texts, &newest)]
}

#[test]
fn texts_that_take_the_place_of_others_are_no_survivors() {
    let [old, new, newest] = churn(true);
    let expected: Vec<u32> = (500..700).chain(1000..1500).collect();
    assert_eq!(survivors(&old, &new, &newest), expected);
}

/// The rate of false survivors under churn of one type: objects without content cannot be told from those whose place
/// they took. Of the 1,000 candidates here all 300 that were replaced are mistaken, 30 %: the rate is the share of
/// replaced ones, and no survivor is missed.
#[test]
fn instances_that_take_the_place_of_others_are_mistaken_for_them() {
    let [old, new, newest] = churn(false);
    assert_eq!(survivors(&old, &new, &newest), (500..1500).collect::<Vec<u32>>());
}

#[test]
fn growth_is_by_name_and_leaves_out_what_did_not_change() {
    let [old, new, newest] = churn(false);
    let grown = growth(&old, &new, |class| class.full_name());
    let [session] = grown.as_slice() else { panic!("{grown:?}") };
    assert_eq!((session.name.as_str(), session.old.count, session.new.count), ("app.Session", 500, 1500));
    assert_eq!(session.new.allocated - session.old.allocated, 64_000);
    assert_eq!(growth(&new, &newest, |class| class.full_name()), []);
}

#[test]
fn processes_are_told_apart() {
    assert!(same_process(&dump(1, true, &[]), &dump(1, true, &[])));
    assert!(!same_process(&dump(1, true, &[]), &dump(2, true, &[])));
}
