//! What stands behind the question mark, and names in paths.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use tautline_protocol::model::{ConnectionId, RoomName};

use super::refusal::wrong;
use super::{PAGE_USUAL, Refused};

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query whose parameters are among the `known`, each there once at most.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Refused> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let detail = format!("there is no such parameter; known are {}", known.join(", "));
                return Err(bad(&name, detail));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(bad(&name, "is there twice; write it once"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, where it is there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// How many entries are wanted.
    pub(super) fn limit(&self, max: usize) -> Result<usize, Refused> {
        let Some(text) = self.get("limit") else {
            return Ok(PAGE_USUAL);
        };
        let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        limit.ok_or_else(|| bad("limit", format!("must be a whole number, 1 to {max}")))
    }

    /// A parameter that `parse` understands.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        must: &str,
    ) -> Result<Option<T>, Refused> {
        let value = self.get(name).map(|text| parse(text).ok_or(must));
        value
            .transpose()
            .map_err(|must| bad(name, format!("must be {must}")))
    }

    /// Where the next page is: this query with another value for `name`.
    pub(super) fn next(&self, path: &str, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(known, _)| known != name);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair(name, value)
            .finish();
        format!("{path}?{query}")
    }
}

fn bad(name: &str, detail: impl Into<String>) -> Refused {
    wrong(
        StatusCode::BAD_REQUEST,
        name,
        format!("{name} {}", detail.into()),
    )
}

/// The room in a path.
#[derive(Debug)]
pub(super) struct Room(pub(super) RoomName);

impl<S: Send + Sync> FromRequestParts<S> for Room {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let text = part(parts, state).await;
        let name = text.map(|text| RoomName::parse(&text));
        match name {
            Some(Ok(name)) => Ok(Self(name)),
            Some(Err(invalid)) => Err(wrong(
                StatusCode::BAD_REQUEST,
                "room",
                format!("{invalid}; in a path, what is no letter or digit is written as %XX"),
            )),
            None => Err(bad("room", "is no text in UTF-8")),
        }
    }
}

/// The connection in a path.
#[derive(Debug)]
pub(super) struct Id(pub(super) ConnectionId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let text = part(parts, state).await;
        let id = text.and_then(|text| ConnectionId::parse(&text));
        id.map(Self).ok_or_else(|| {
            bad(
                "id",
                "must be a connection's id, as GET /v1/connections tells it: 28 digits 0-9 a-f",
            )
        })
    }
}

async fn part<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let path = Path::<String>::from_request_parts(parts, state).await;
    path.ok().map(|Path(text)| text)
}

/// A text, written as one part of a path.
pub(super) fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_with_the_same_question() {
        let query = Query::read(
            Some("prefix=a%2Bb%3A&limit=7&cursor=old"),
            &["prefix", "limit", "cursor"],
        );
        let next = query.unwrap().next("/v1/rooms", "cursor", "c d|e");
        assert_eq!(next, "/v1/rooms?prefix=a%2Bb%3A&limit=7&cursor=c+d%7Ce");
        let (_, again) = next.split_once('?').unwrap();
        let again = Query::read(Some(again), &["prefix", "limit", "cursor"]).unwrap();
        assert_eq!(
            (again.get("prefix"), again.get("cursor")),
            (Some("a+b:"), Some("c d|e"))
        );
    }

    #[test]
    fn unknown_double_and_senseless_parameters_are_refused() {
        let read = |query| Query::read(Some(query), &["limit"]);
        assert!(read("limits=1").is_err() && read("limit=1&limit=1").is_err());
        for bad in ["limit=0", "limit=-1", "limit=11", "limit=", "limit=x"] {
            assert!(read(bad).unwrap().limit(10).is_err(), "{bad}");
        }
        assert!(matches!(read("limit=10").unwrap().limit(10), Ok(10)));
        assert!(matches!(read("").unwrap().limit(1000), Ok(PAGE_USUAL)));
    }
}
