//! Reads all that can be read in a dump, for tests that only ask whether that goes well.

use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, LabelledEdges, Limits, represent};

/// Goes through a dump and its analysis.
///
/// # Panics
/// Where that is a bug, as every panic is, whatever the dump.
pub fn read_everything(dump: &Dump) {
    for number in 0..dump.object_count() {
        let object = dump.object(number).expect("an object of this number");
        assert!((object.type_number as usize) < dump.types().len(), "{object:?}");
        for edge in LabelledEdges::new(dump, number) {
            edge.step(dump);
        }
        represent(dump, number, Limits::FULL);
    }
    let analysis = Analysis::new(dump);
    assert_eq!(analysis.total(), analysis.retained(analysis.holders.root()));
    let paths = analysis.shortest_paths();
    for node in analysis.largest(8) {
        analysis.path_text(&paths.path(node));
    }
    analysis.waste();
    analysis.cycles();
}
