//! Writes what is made from the definitions of the command lines: completions of shells, man pages. The argument is a folder such as `/usr/share`.
#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use clap_complete::{Shell, generate_to};
use std::fs;
use std::path::PathBuf;

/// Where shells look for completions, below the folder.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions"),
    (Shell::Zsh, "zsh/site-functions"),
    (Shell::Fish, "fish/vendor_completions.d"),
];

fn main() -> Result<()> {
    let share = PathBuf::from(std::env::args_os().nth(1).context("the folder to write to")?);
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    for mut command in pyheap_dump::commands() {
        let name = command.get_name().to_owned();
        for (shell, folder) in COMPLETIONS {
            let folder = share.join(folder);
            fs::create_dir_all(&folder)?;
            generate_to(shell, &mut command, &name, folder)?;
        }
        clap_mangen::Man::new(command).render(&mut fs::File::create(pages.join(format!("{name}.1")))?)?;
    }
    Ok(())
}
