//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, section 9.1), read once from front to back.

/// One extension of the list: a name and its parameters, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extension<'h> {
    pub(crate) name: &'h str,
    pub(crate) parameters: Vec<(&'h str, Option<&'h str>)>,
}

/// Reads the extensions of one header value; ends at the first byte that breaks the grammar, since
/// nobody can tell where the next extension would begin.
pub(crate) struct Extensions<'h> {
    rest: &'h str,
}

impl<'h> Extensions<'h> {
    pub(crate) fn new(header: &'h str) -> Self {
        Self { rest: header }
    }

    /// An extension up to the comma or the end.
    fn extension(&mut self) -> Option<Extension<'h>> {
        let name = self.token()?;
        let mut parameters = Vec::new();
        while self.eat(';') {
            let name = self.token()?;
            let value = if self.eat('=') {
                Some(self.value()?)
            } else {
                None
            };
            parameters.push((name, value));
        }
        self.skip_space();
        (self.rest.is_empty() || self.rest.starts_with(','))
            .then_some(Extension { name, parameters })
    }

    /// A token, bare or between quotes. An escaped character inside quotes, which no token needs, is
    /// malformed here.
    fn value(&mut self) -> Option<&'h str> {
        if !self.eat('"') {
            return self.token();
        }
        let (value, rest) = self.rest.split_once('"')?;
        self.rest = rest;
        (!value.is_empty() && value.bytes().all(is_token_byte)).then_some(value)
    }

    fn token(&mut self) -> Option<&'h str> {
        self.skip_space();
        let end = self.rest.bytes().position(|byte| !is_token_byte(byte));
        let (token, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn eat(&mut self, expected: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

impl<'h> Iterator for Extensions<'h> {
    type Item = Extension<'h>;

    fn next(&mut self) -> Option<Extension<'h>> {
        // RFC 9110 has recipients accept empty elements of a list.
        while self.eat(',') {}
        let extension = self.extension();
        if extension.is_none() {
            self.rest = "";
        }
        extension
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parameters_and_quotes_are_read() {
        let read: Vec<_> = Extensions::new(" a ; x=1;y = \"2\" ,, b;z").collect();
        let a = Extension {
            name: "a",
            parameters: vec![("x", Some("1")), ("y", Some("2"))],
        };
        let b = Extension {
            name: "b",
            parameters: vec![("z", None)],
        };
        assert_eq!(read, [a, b]);
    }

    #[test]
    fn a_malformed_extension_ends_the_list() {
        for broken in [
            "a;",
            "a=1",
            "a;x=",
            "a;x=\"1",
            "a;x=\"1;2\"",
            "a;x=\"\\1\"",
            "a b",
            "ä",
            "\"a\"",
            "a;x=\"1\"2",
        ] {
            let header = format!("ok, {broken}, never");
            let names: Vec<_> = Extensions::new(&header).map(|e| e.name).collect();
            assert_eq!(names, ["ok"], "{broken}");
        }
    }
}
