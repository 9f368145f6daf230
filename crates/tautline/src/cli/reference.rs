//! The command line as a page of the reference.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::Cli;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");

const HEAD: &str = "\
<!-- Generated from crates/tautline/src/cli.rs. To renew: cargo xtask tidy --write -->

# The command line

What `--help` says, for every command.

Exit codes: 0 is success, 1 a failure, 2 or 64 a command line that is wrong, 78 a configuration that is wrong. What a command was
asked for goes to standard output, everything else to standard error. `sub`, `pub`, `request` and `members` have codes of their own, which
stand in their help.
";

/// A command and those below it, each with its help.
fn describe(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    write!(page, "\n## {name}\n\n```text\n").unwrap();
    for line in command.render_long_help().to_string().lines() {
        writeln!(page, "{}", line.trim_end()).unwrap();
    }
    page.push_str("```\n");
    for below in command.get_subcommands_mut() {
        if below.get_name() != "help" {
            describe(below, page);
        }
    }
}

#[test]
fn the_page_is_current() {
    let mut page = HEAD.to_owned();
    let mut command = Cli::command();
    command.build();
    describe(&mut command, &mut page);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert_eq!(written, page, "renew it with `cargo xtask tidy --write`");
}
