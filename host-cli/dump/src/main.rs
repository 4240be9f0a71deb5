//! `pyheap-dump`, see the library.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    pyheap_dump::main()
}
