//! What browsers are shown in development mode: the plain page, and a directory's if one is given.

use std::sync::Arc;

use super::Mode;
use super::check::Written;
use crate::cli::ServeArguments;
use crate::pages::Pages;

/// All pages, if there are to be any. What is wrong with the directory is told.
pub(super) fn pages(
    written: &mut Written,
    arguments: &ServeArguments,
    mode: Mode,
) -> Option<Arc<Pages>> {
    let faults = &mut written.faults;
    let pages = match (mode, &arguments.pages) {
        (Mode::Production, None) => return None,
        (Mode::Production, Some(directory)) => {
            let fix = "is for development mode, which everybody may enter; give --dev, too, or have a web server serve them";
            faults.add("--pages", directory.display(), fix);
            return None;
        }
        (Mode::Development, None) => Pages::plain(),
        (Mode::Development, Some(directory)) => match Pages::read(directory) {
            Ok(pages) => pages,
            Err(fault) => {
                faults.add("--pages", directory.display(), &fault.to_string());
                return None;
            }
        },
    };
    Some(Arc::new(pages))
}
