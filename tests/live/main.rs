//! Dumps of live processes: what is in them, and what they leave behind.

mod aftermath;
mod clients;
mod command_line;
mod compression;
mod containers;
mod content;
mod damage;
mod exchange;
mod failure;
mod growth;
mod holding;
mod loading;
mod moments;
mod program;
mod repair;
mod representation;
mod restless;
mod surroundings;
mod threads;
mod tutorial;
mod typed;

use pyheap_tests::Suite;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    aftermath::register(&mut suite);
    clients::register(&mut suite);
    command_line::register(&mut suite);
    compression::register(&mut suite);
    containers::register(&mut suite);
    content::register(&mut suite);
    damage::register(&mut suite);
    exchange::register(&mut suite);
    failure::register(&mut suite);
    growth::register(&mut suite);
    holding::register(&mut suite);
    loading::register(&mut suite);
    moments::register(&mut suite);
    program::register(&mut suite);
    repair::register(&mut suite);
    representation::register(&mut suite);
    restless::register(&mut suite);
    surroundings::register(&mut suite);
    threads::register(&mut suite);
    tutorial::register(&mut suite);
    typed::register(&mut suite);
    suite.run()
}
