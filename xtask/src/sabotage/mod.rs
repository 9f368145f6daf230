//! Bugs that are planted on purpose: `cargo xtask prove --sabotage` builds a server with each, and has it caught.
//!
//! Each is a patch in `e2e/sabotage/`. They are applied to a copy of the tree, which has a target directory of its
//! own, so that nobody's files change and one build follows the other quickly.

mod planted;
mod tree;
mod trial;

use std::io::{self, Write};
use std::path::Path;

use crate::prove;
use crate::workspace::Workspace;
use planted::Planted;
use tree::Tree;
use trial::{Found, Trial};

/// Where the patches are.
const FOLDER: &str = "e2e/sabotage";
/// The name of the trial without a bug.
const CONTROL: &str = "(none)";

/// Builds the servers with these bugs, or with each, and prints what catches them. True if everything did, and nothing
/// was found where no bug is.
pub(crate) fn run(
    workspace: &Workspace,
    names: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let bugs = chosen(planted::read(&workspace.root.join(FOLDER))?, names)?;
    out.flush()?;
    if !prove::build(workspace)? {
        return Ok(false);
    }
    let trial = Trial::new(workspace)?;
    row(out, CONTROL, &trial.control()?)?;
    let mut escaped = Vec::new();
    for bug in &bugs {
        let is_caught = match trial.of(bug) {
            Ok(found) => {
                row(out, &bug.name, &found)?;
                found.is_caught()
            }
            Err(error) => {
                writeln!(out, "{:<30} {error}", bug.name)?;
                false
            }
        };
        if !is_caught {
            escaped.push(bug.name.as_str());
        }
    }
    let caught = bugs.len() - escaped.len();
    writeln!(out, "\n{caught} of {} planted bugs caught", bugs.len())?;
    if !escaped.is_empty() {
        writeln!(out, "not caught: {}", escaped.join(", "))?;
    }
    Ok(escaped.is_empty())
}

/// Says of each patch that does not fit this tree any more what is the matter, in lines; and how many fit.
pub(crate) fn check(root: &Path) -> io::Result<(usize, Vec<String>)> {
    let tree = Tree::at(root);
    let mut fits = 0;
    let mut complaints = Vec::new();
    for bug in planted::read(&root.join(FOLDER))? {
        match tree.can_apply(&bug.path)? {
            Ok(()) => fits += 1,
            Err(why) => complaints.push(format!(
                "{FOLDER}/{}.patch does not apply any more: plant the bug anew where the code is now, and write down \
                 the difference (`git diff`) behind the same first lines\n{why}",
                bug.name
            )),
        }
    }
    Ok((fits, complaints))
}

fn chosen(mut bugs: Vec<Planted>, names: &[String]) -> io::Result<Vec<Planted>> {
    let known = |name: &&String| bugs.iter().any(|bug| bug.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = bugs.iter().map(|bug| bug.name.as_str()).collect();
        let all = all.join(", ");
        return Err(io::Error::other(format!(
            "no bug is called `{unknown}`; there are {all}"
        )));
    }
    bugs.retain(|bug| names.is_empty() || names.contains(&bug.name));
    Ok(bugs)
}

fn row(out: &mut dyn Write, name: &str, found: &Found) -> io::Result<()> {
    let seconds = found.time.as_secs_f64();
    let caught = found.caught.as_deref().unwrap_or("-");
    writeln!(out, "{name:<30} {caught:<50} {seconds:>6.1} s")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_patch_that_fits_no_more_is_named_with_what_to_do() {
        let root = tree::scratch("sabotage-check");
        fs::create_dir_all(root.join(FOLDER)).unwrap();
        fs::write(root.join("a.txt"), "one\ntwo\nthree\n").unwrap();
        let patch = |from: &str| {
            format!(
                "Two is four.\n\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-{from}\n+four\n three\n"
            )
        };
        fs::write(root.join(FOLDER).join("fits.patch"), patch("two")).unwrap();
        fs::write(root.join(FOLDER).join("old.patch"), patch("zwei")).unwrap();
        let (fits, complaints) = check(&root).unwrap();
        assert_eq!((fits, complaints.len()), (1, 1));
        assert!(complaints[0].starts_with("e2e/sabotage/old.patch does not apply"));
        assert!(complaints[0].contains("a.txt:1"), "{}", complaints[0]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn bugs_are_chosen_by_name() {
        let bugs = || ["a", "b"].map(Planted::called).to_vec();
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(chosen(bugs(), &[]).unwrap().len(), 2);
        assert_eq!(chosen(bugs(), &names(&["b"])).unwrap()[0].name, "b");
        let error = chosen(bugs(), &names(&["b", "c"])).unwrap_err().to_string();
        assert!(error.contains("`c`; there are a, b"), "{error}");
    }
}
