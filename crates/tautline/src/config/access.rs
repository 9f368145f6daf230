//! Who else can change the configuration, or read its secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::setting::{Kind, SETTINGS};
use super::values::Faults;

/// Others than its owner may write the file.
const OTHERS_WRITE: u32 = 0o022;
/// Everybody may read the file.
const ALL_READ: u32 = 0o004;

/// Tells of a file that others can write, and of one with secrets that everybody can read.
pub(super) fn check(path: &Path, table: &toml::Table, faults: &mut Faults) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    let mode = metadata.permissions().mode();
    let name = path.display();
    if mode & OTHERS_WRITE != 0 {
        faults.0.push(format!(
            "{name}: others may write it; run `chmod go-w {name}`"
        ));
    }
    if mode & ALL_READ != 0 && has_secret(table) {
        faults.0.push(format!(
            "{name}: holds a secret and everybody may read it; run `chmod o-r {name}`"
        ));
    }
}

fn has_secret(table: &toml::Table) -> bool {
    let secrets = SETTINGS
        .iter()
        .filter(|setting| setting.kind == Kind::Secret);
    let mut keys = secrets.map(|setting| setting.key);
    keys.any(|key| {
        let in_section = key
            .split_once('.')
            .and_then(|(section, key)| table.get(section)?.get(key));
        in_section.is_some() || table.contains_key(key)
    })
}
