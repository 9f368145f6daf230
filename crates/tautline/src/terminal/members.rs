//! `tautline members`: who is present in a room.

use tautline_client::{CallError, Member};

use super::failure::Failure;
use super::lines;
use super::object::compact;
use super::request::{caller, say, settle};
use super::view::is_for_people;
use crate::cli::exit::Exit;
use crate::cli::terminal::MembersArguments;
use crate::plain::escape;

/// No column is filled up further.
const WIDTH_MAX: usize = 40;

/// Asks, and prints a table or an object of JSON for each member.
pub(super) async fn run(arguments: &MembersArguments) -> Result<Exit, Failure> {
    let (client, mut watch) = caller(&arguments.access, arguments.timeout)?;
    let room = client
        .room(arguments.room.as_str())
        .map_err(|error| Failure::usage(error.to_string()))?;
    // Who only looks has changed nothing: not to know whether it was done is not to have done it.
    let call = async {
        room.members().await.map_err(|error| match error {
            CallError::Unknown(why) => CallError::NotSent(why),
            error @ (CallError::NotSent(_) | CallError::Refused { .. }) => error,
        })
    };
    let members = settle(&client, &mut watch, call).await?;
    let text = if is_for_people(&arguments.access) {
        table(&members)
    } else {
        let lines = members.iter();
        lines
            .map(|member| lines::present(&arguments.room, member))
            .collect()
    };
    say(text, &mut watch).await
}

/// A row for each user; those of one user stand together.
fn table(members: &[Member]) -> String {
    let users: Vec<[String; 4]> = members
        .chunk_by(|one, other| one.user == other.user)
        .filter_map(row)
        .collect();
    let head = ["USER", "NAME", "CONNECTIONS", "STATE"].map(str::to_owned);
    let width = |column: usize| {
        let cells = users
            .iter()
            .chain([&head])
            .filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).min(WIDTH_MAX)
    };
    let (user_width, name_width, count_width) = (width(0), width(1), width(2));
    let lines = [&head].into_iter().chain(&users).map(|row| {
        let [user, name, count, state] = row;
        let line =
            format!("{user:user_width$}  {name:name_width$}  {count:>count_width$}  {state}");
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

fn row(connections: &[Member]) -> Option<[String; 4]> {
    let first = connections.first()?;
    let mut states: Vec<String> = connections
        .iter()
        .filter_map(|member| member.state.as_deref())
        .map(|state| escape(&compact(&String::from_utf8_lossy(state))))
        .collect();
    states.dedup();
    Some([
        escape(&first.user),
        escape(&first.name),
        connections.len().to_string(),
        states.join(" "),
    ])
}

#[cfg(test)]
mod tests {
    use tautline_client::ConnectionId;

    use super::*;

    #[test]
    fn a_table_has_a_row_for_each_user() {
        let member = |serial: u32, user: &str, state: Option<&'static str>| Member {
            connection: ConnectionId::parse(&format!("{serial:028x}")).unwrap(),
            user: user.into(),
            name: format!("{user}\u{1b}").into(),
            state: state.map(Into::into),
        };
        let members = [
            member(1, "ann", Some("{ \"at\": 1 }")),
            member(2, "ann", Some("{\"at\":1}")),
            member(3, "bob", None),
        ];
        assert_eq!(
            table(&members),
            "USER  NAME       CONNECTIONS  STATE\n\
             ann   ann\\u{1b}            2  {\"at\":1}\n\
             bob   bob\\u{1b}            1\n"
        );
        assert_eq!(table(&[]), "USER  NAME  CONNECTIONS  STATE\n");
    }
}
