//! The table of settings, told to people: as a file, as the environment, as a page of the reference.

use std::fmt::Write;

use super::room_setting::ROOM_SETTINGS;
use super::setting::{SETTINGS, Setting};

/// A configuration file that says what holds without one.
pub(crate) fn defaults() -> String {
    let mut file = String::from("# What holds if nothing is written.\n");
    let mut section = "";
    for setting in SETTINGS {
        let (of, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            write(&mut file, format_args!("\n[{section}]\n"));
        }
        write_setting(&mut file, setting, key, "");
    }
    file.push_str("\n# For the rooms that match; the first that matches decides.\n# [[room]]\n");
    for setting in ROOM_SETTINGS {
        write_setting(&mut file, setting, setting.key, "# ");
    }
    file
}

/// The variables of the environment, with their defaults.
pub(crate) fn environment() -> String {
    let name = |setting: &Setting| setting.variable();
    let width = SETTINGS
        .iter()
        .map(|setting| name(setting).len())
        .max()
        .unwrap_or(0);
    let mut lines = String::new();
    for setting in SETTINGS {
        let default = if setting.default.is_empty() {
            "(none)"
        } else {
            setting.default
        };
        write(
            &mut lines,
            format_args!("{:width$}  {default}\n", name(setting)),
        );
    }
    lines
}

fn write_setting(file: &mut String, setting: &Setting, key: &str, comment: &str) {
    write(file, format_args!("{comment}# {}\n", setting.about));
    match setting.default {
        "" => write(file, format_args!("# {key} =\n")),
        default => write(file, format_args!("{comment}{key} = {default}\n")),
    }
}

fn write(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/configuration.md"
    );

    fn rows(settings: &[Setting]) -> String {
        let mut rows = String::from("| key | default | what it does |\n|---|---|---|\n");
        for Setting {
            key,
            default,
            about,
            ..
        } in settings
        {
            let default = if default.is_empty() {
                "none".to_owned()
            } else {
                format!("`{default}`")
            };
            write(
                &mut rows,
                format_args!("| `{key}` | {default} | {about} |\n"),
            );
        }
        rows
    }

    /// The page with its tables made anew, each between `<!-- NAME -->` and an empty line.
    fn page(old: &str) -> String {
        let tables = [
            ("<!-- settings -->\n", rows(SETTINGS)),
            ("<!-- room settings -->\n", rows(ROOM_SETTINGS)),
        ];
        tables.iter().fold(old.to_owned(), |page, (mark, rows)| {
            let (before, after) = page.split_once(mark).expect(mark);
            let (_, after) = after
                .split_once("\n\n")
                .expect("an empty line ends a table");
            format!("{before}{mark}{rows}\n{after}")
        })
    }

    #[test]
    fn the_page_is_current() {
        let written = std::fs::read_to_string(PAGE).unwrap();
        let current = page(&written);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(PAGE, current).unwrap();
        } else {
            assert_eq!(written, current, "renew it with `cargo xtask tidy --write`");
        }
    }

    #[test]
    fn the_default_file_is_a_configuration_without_effect() {
        let table: toml::Table = defaults().parse().unwrap();
        for setting in SETTINGS
            .iter()
            .filter(|setting| !setting.default.is_empty())
        {
            let (section, key) = setting.key.split_once('.').unwrap();
            assert_eq!(
                table[section].get(key),
                setting.default().as_ref(),
                "{}",
                setting.key
            );
        }
    }
}
