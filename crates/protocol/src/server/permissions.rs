//! Who may do what in a room.

use crate::model::{Action, Identity, RoomName, RoomRule};

/// Whether `identity` may do `action` in `room`, whose rule is `rule`.
///
/// The rule's word for everyone, or a grant of the token, is needed; without either the answer is no.
pub fn allows(
    identity: &Identity,
    rule: Option<&RoomRule>,
    room: &RoomName,
    action: Action,
) -> bool {
    rule.is_some_and(|rule| rule.everyone.contains(action)) || identity.grants(room, action)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Actions, Grant, Pattern};

    fn check(everyone: Option<&[Action]>, grants: &[(&str, Action)], action: Action) -> bool {
        let rule = everyone.map(|actions| RoomRule {
            everyone: actions.iter().copied().collect::<Actions>(),
            ..RoomRule::of(Pattern::parse("*").unwrap())
        });
        let grants: Vec<Grant> = grants
            .iter()
            .map(|(rooms, action)| Grant {
                rooms: Pattern::parse(rooms).unwrap(),
                actions: Actions::NONE.with(*action),
            })
            .collect();
        let identity = Identity {
            user: Arc::from("ann"),
            name: Arc::from("Ann"),
            expires_at: None,
            grants: grants.into(),
        };
        let room = RoomName::parse("inbox:ann").unwrap();
        allows(&identity, rule.as_ref(), &room, action)
    }

    #[test]
    fn a_rule_or_a_grant_is_needed() {
        use Action::{History, Join, Publish};
        for (everyone, grants, action, allowed) in [
            (None, &[][..], Join, false),
            (Some(&[][..]), &[], Join, false),
            (Some(&[Join]), &[], Join, true),
            (Some(&[Join]), &[], Publish, false),
            (Some(&[Join, Publish]), &[], Publish, true),
            (None, &[("inbox:ann", Join)], Join, true),
            (None, &[("inbox:{user}", Join)], Join, true),
            (None, &[("inbox:*", Join)], Join, true),
            (None, &[("inbox:bob", Join)], Join, false),
            (None, &[("inbox:ann", Join)], History, false),
            (Some(&[]), &[("inbox:ann", Publish)], Publish, true),
            (Some(&[Join]), &[("inbox:bob", Publish)], Publish, false),
        ] {
            let answer = check(everyone, grants, action);
            assert_eq!(answer, allowed, "{everyone:?} {grants:?} {action:?}");
        }
    }
}
