//! `cargo xtask prove`: builds the server and the judge as the tests are built, then has the one judged by the other.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::npm::{self, Packages};
use crate::process;
use crate::sabotage;
use crate::workspace::Workspace;

const SABOTAGE: &str = "--sabotage";
const LONG: &str = "--long";
/// Has the TypeScript client judged too, by a script that speaks for it.
pub(crate) const TYPESCRIPT: &str = "--typescript";
const SCRIPT: &str = "e2e/members/typescript.js";

/// Passes every argument on to the judge. Behind `--sabotage` are the names of bugs that are planted instead; a long
/// run is followed by all of them.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    if let Some((first, names)) = arguments.split_first()
        && first == SABOTAGE
    {
        return sabotage::run(workspace, names, out);
    }
    out.flush()?;
    if !build(workspace)? || (arguments.iter().any(is_typescript) && !build_script(workspace)?) {
        return Ok(false);
    }
    let mut judge = command(workspace, arguments);
    if !arguments.iter().any(|argument| argument == LONG) {
        return process::become_program(judge);
    }
    Ok(judge.status()?.success() && sabotage::run(workspace, &[], out)?)
}

/// Builds the server and the judge in one go.
pub(crate) fn build(workspace: &Workspace) -> io::Result<bool> {
    let mut build = workspace.cargo(["build", "-p", "tautline", "-p", "tautline-e2e", "--bins"]);
    Ok(build.status()?.success())
}

/// Builds the TypeScript client, and installs what its script needs.
fn build_script(workspace: &Workspace) -> io::Result<bool> {
    for folder in [&workspace.root, &workspace.root.join("e2e")] {
        match npm::install(folder)? {
            Packages::Ready => {}
            Packages::LeftOut(why) => return Err(io::Error::other(format!("{TYPESCRIPT} {why}"))),
            Packages::Failed(output) => return Err(io::Error::other(output)),
        }
    }
    let mut build = npm::command(&workspace.root, ["run", "build", "-w", "packages/client"]);
    Ok(build.status()?.success())
}

fn is_typescript(argument: &String) -> bool {
    argument == TYPESCRIPT
}

/// The judge, with the server of this tree.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Command {
    let server = workspace.target.join("debug").join("tautline");
    judge(workspace, &server, arguments)
}

/// The judge, with this server.
pub(crate) fn judge(workspace: &Workspace, server: &Path, arguments: &[String]) -> Command {
    let mut prove = Command::new(workspace.target.join("debug").join("prove"));
    prove
        .arg("--server")
        .arg(server)
        .arg("--directory")
        .arg(workspace.target.join("prove"))
        .args(arguments.iter().filter(|argument| !is_typescript(argument)))
        .current_dir(&workspace.root);
    if arguments.iter().any(is_typescript) {
        prove.arg("--script").arg(workspace.root.join(SCRIPT));
    }
    prove
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_typescript_client_is_judged_where_that_is_asked_for() {
        let workspace = Workspace {
            root: PathBuf::from("/root"),
            target: PathBuf::from("/target"),
        };
        let told = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
            let judge = judge(&workspace, Path::new("server"), &arguments);
            let words = judge.get_args().skip(4);
            words
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let script = "/root/e2e/members/typescript.js";
        assert_eq!(
            told(&["--quick", TYPESCRIPT]),
            ["--quick", "--script", script]
        );
        assert_eq!(told(&["--quick"]), ["--quick"]);
    }
}
