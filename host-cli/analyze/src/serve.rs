//! `serve` and `report`: a dump in the browser, and as a file that a browser shows.

use crate::console::caching;
use crate::failure::Failure;
use crate::options::{Report, Serve};
use pyheap_engine::{Options, Source};
use pyheap_ui::Server;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// What a dump is called in pages.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "standard input".into(), |name| name.to_string_lossy().into_owned())
}

/// Serves a dump until the program is ended. The first line of output is the URL.
pub fn serve(options: &Serve) -> Result<(), Failure> {
    let server = Server::bind(pyheap_ui::Options {
        dump: Source::named(&options.file),
        name: name(&options.file),
        baseline: options.baseline.as_deref().map(Source::named),
        host: options.host.clone(),
        port: options.port,
        engine: Options { caching: caching(), redact: options.redact },
    })?;
    let url = server.url();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{url}")?;
    stdout.flush()?;
    drop(stdout);
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if !options.no_open && has_screen && io::stdout().is_terminal() {
        // Where there is no browser the URL stands above: nothing is lost.
        let _ = open::that_detached(&url);
    }
    Ok(server.run()?)
}

/// Writes the report of a dump into a file.
pub fn report(options: &Report) -> Result<(), Failure> {
    let engine = Options { caching: caching(), redact: options.redact };
    let html = pyheap_ui::write_report(Source::named(&options.file), name(&options.file), engine)?;
    if options.output == Path::new("-") {
        io::stdout().write_all(html.as_bytes())?;
        return Ok(());
    }
    std::fs::write(&options.output, html)
        .map_err(|source| Failure::File { path: options.output.clone(), source })
}
