//! Shell completions and man pages, generated from the commands.

use std::{io, path::PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// `latchkey completions bash > /etc/bash_completion.d/latchkey`
#[derive(clap::Args)]
pub(crate) struct CompletionArguments {
    /// The shell that will read the script.
    shell: Shell,
}

/// `latchkey man --out /usr/local/share/man/man1`
#[derive(clap::Args)]
pub(crate) struct ManArguments {
    /// The folder for the pages, one per command; created if it is missing.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub(crate) fn completions(arguments: &CompletionArguments) {
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "latchkey", &mut io::stdout());
}

pub(crate) fn man(arguments: &ManArguments) -> anyhow::Result<()> {
    let folder = &arguments.out;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(crate::Arguments::command(), folder))
        .with_context(|| format!("cannot write man pages to {}", folder.display()))?;
    eprintln!("man pages are in {}: `man -l {}`", folder.display(), folder.join("latchkey.1").display());
    Ok(())
}
