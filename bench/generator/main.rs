//! Writes dumps of made-up heaps of any size, to measure the analysis with.
#![forbid(unsafe_code)]

mod dump;
mod shape;

use anyhow::Context;
use clap::Parser;
use shape::Shape;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

/// Write a dump of a made-up heap.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of objects.
    #[arg(long, default_value_t = 1_600_000)]
    objects: u32,
    /// What the heap looks like.
    #[arg(long, value_enum, default_value_t = Shape::Mixed)]
    shape: Shape,
    /// Leave the previews of strings out.
    #[arg(long)]
    no_previews: bool,
    /// File to write.
    #[arg(short, long)]
    output: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let file = File::create(&arguments.output)
        .with_context(|| format!("cannot create {}", arguments.output.display()))?;
    let totals =
        dump::write(arguments.objects, arguments.shape, !arguments.no_previews, BufWriter::new(file))
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    eprintln!(
        "{} objects, {} edges, {} bytes allocated",
        totals.objects, totals.edges, totals.allocated_size
    );
    Ok(())
}
