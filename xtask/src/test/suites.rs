//! The steps that need a tool besides Rust, and are left out where it is missing.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Verdict;
use super::counts::Counts;
use super::rust::{GUIDE, POWER, STEP_LIMIT, check, counted};
use crate::autobahn::{self, Groups};
use crate::fuzz;
use crate::process;
use crate::sabotage;
use crate::workspace::{self, Workspace};

/// Where Debian has nginx's stream module.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
/// Where Linux hands out loop devices, to those who may have them.
const LOOP_CONTROL: &str = "/dev/loop-control";
/// Where Debian has what makes file systems.
const MKFS: &str = "/usr/sbin/mkfs.ext4";
/// Whether each planted bug still fits the code. What catches them takes longer: `cargo xtask prove --sabotage`.
pub(super) fn planted_bugs(workspace: &Workspace) -> io::Result<Verdict> {
    if workspace::on_path(&["git"]).is_none() {
        return Ok(left_out("needs git: apt-get install git"));
    }
    let (fits, complaints) = sabotage::check(&workspace.root)?;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let counts = Counts {
        passed: count(fits),
        failed: count(complaints.len()),
        skipped: 0,
    };
    let output = complaints.join("\n");
    Ok(Verdict::Ran { counts, output })
}

/// The store on a disk whose power is cut, and on one that fails.
pub(super) fn power_cuts(workspace: &Workspace) -> io::Result<Verdict> {
    if File::options().write(true).open(LOOP_CONTROL).is_err() {
        return Ok(left_out(
            "needs loop devices, and root to mount them: run it as root on a machine that has /dev/loop-control",
        ));
    }
    if !Path::new(MKFS).is_file() {
        return Ok(left_out("needs mkfs.ext4: apt-get install e2fsprogs"));
    }
    let store = check(tests_of(workspace, "ends", "power"))?;
    let server = counted(tests_of(workspace, "binary", POWER))?;
    Ok(store.and(server))
}

/// The examples of the guides, run as they are written.
pub(super) fn guide(workspace: &Workspace) -> io::Result<Verdict> {
    if workspace::on_path(&["curl"]).is_none() {
        return Ok(left_out("needs curl: apt-get install curl"));
    }
    counted(tests_of(workspace, "binary", GUIDE))
}

/// The server behind nginx, which speaks TLS for it.
pub(super) fn nginx(workspace: &Workspace) -> io::Result<Verdict> {
    if workspace::program("NGINX", &["nginx"]).is_none() {
        return Ok(left_out(
            "needs nginx: apt-get install nginx, or set NGINX to its path",
        ));
    }
    counted(tests_of(workspace, "binary", "nginx::http"))
}

/// The server behind nginx, which passes bytes on.
pub(super) fn nginx_stream(workspace: &Workspace) -> io::Result<Verdict> {
    let module = workspace::named_or("NGINX_STREAM", NGINX_STREAM);
    if workspace::program("NGINX", &["nginx"]).is_none() || !module.is_file() {
        return Ok(left_out(
            "needs nginx's stream module: apt-get install nginx libnginx-mod-stream, or set NGINX_STREAM to its path",
        ));
    }
    counted(tests_of(workspace, "binary", "nginx::stream"))
}

/// The tests with `filter` in their names, of the file `name`. Of the whole workspace: for one package alone cargo would choose
/// other features of its dependencies, and build all of them again.
fn tests_of(workspace: &Workspace, name: &str, filter: &str) -> Command {
    workspace.cargo(["test", "--workspace", "--test", name, "--", filter])
}

/// The codec before Autobahn.
pub(super) fn autobahn(workspace: &Workspace) -> io::Result<Verdict> {
    let Some(wstest) = autobahn::find_wstest(workspace) else {
        return Ok(left_out(autobahn::INSTALL));
    };
    let built = process::capture_quietly(autobahn::build(workspace), STEP_LIMIT)?;
    if !built.success {
        return Ok(Verdict::Ran {
            counts: Counts::one(false),
            output: built.output,
        });
    }
    counted(autobahn::judge(workspace, &wstest, Groups::Core))
}

/// The fuzz targets, for a bounded time each.
pub(super) fn fuzz(workspace: &Workspace) -> io::Result<Verdict> {
    if workspace::on_path(&["c++"]).is_none() {
        return Ok(left_out("needs a C++ compiler: apt-get install g++"));
    }
    let mut output = String::new();
    for build in fuzz::builds(workspace)? {
        let built = process::capture_quietly(build, STEP_LIMIT)?;
        if !built.success {
            return Ok(Verdict::Ran {
                counts: Counts::one(false),
                output: built.output,
            });
        }
    }
    let mut counts = Counts::default();
    for target in fuzz::targets(workspace)? {
        let finished = process::capture_quietly(
            fuzz::one(workspace, &target, fuzz::DEFAULT_SECONDS)?,
            STEP_LIMIT,
        )?;
        counts += Counts::one(finished.success);
        output.push_str(&finished.output);
    }
    Ok(Verdict::Ran { counts, output })
}

pub(super) fn left_out(why: &str) -> Verdict {
    Verdict::LeftOut(why.to_owned())
}
