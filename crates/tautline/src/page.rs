//! The plain page: a chat and a view of the wire, for trying rooms of v1 by hand. It is part of the program.

/// A file of the page.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content: &'static str,
}

/// All of them; they name one another relatively.
pub(crate) const FILES: [File; 13] = [
    File {
        name: "index.html",
        content: include_str!("page/index.html"),
    },
    File {
        name: "page.css",
        content: include_str!("page/page.css"),
    },
    File {
        name: "columns.css",
        content: include_str!("page/columns.css"),
    },
    File {
        name: "icon.svg",
        content: include_str!("page/icon.svg"),
    },
    File {
        name: "page.js",
        content: include_str!("page/page.js"),
    },
    File {
        name: "connection.js",
        content: include_str!("page/connection.js"),
    },
    File {
        name: "close-codes.js",
        content: include_str!("page/close-codes.js"),
    },
    File {
        name: "badge.js",
        content: include_str!("page/badge.js"),
    },
    File {
        name: "rooms.js",
        content: include_str!("page/rooms.js"),
    },
    File {
        name: "room.js",
        content: include_str!("page/room.js"),
    },
    File {
        name: "log.js",
        content: include_str!("page/log.js"),
    },
    File {
        name: "raw.js",
        content: include_str!("page/raw.js"),
    },
    File {
        name: "snippet.js",
        content: include_str!("page/snippet.js"),
    },
];

#[cfg(test)]
mod tests {
    use tautline_protocol::wire::{CloseCode, Retry};

    use super::*;

    #[test]
    fn the_page_does_after_each_close_what_the_table_of_codes_says() {
        let table = FILES.iter().find(|file| file.name == "close-codes.js");
        let table = table.unwrap().content;
        for code in CloseCode::all() {
            let row = format!("[{}, {{", code.number());
            let row = table.lines().find(|line| line.trim().starts_with(&row));
            let then = match code.retry() {
                Retry::Always => "then: \"retry\"",
                Retry::ThreeTimes => "then: \"strikes\"",
                // The page has one token, and no new one.
                Retry::NewToken | Retry::Never => "then: \"final\"",
            };
            assert!(
                row.is_some_and(|row| row.contains(then)),
                "{code:?}: {row:?}"
            );
        }
    }
}
