//! Who may do what in a room.

use crate::model::{Action, Identity, RoomName, RoomRule};

/// Whether `identity` may do `action` in `room`, whose rule is `rule`.
///
/// The rule's word for everyone, or a grant of the token, is needed; without either the answer is no. Where the rule's
/// pattern names a user, everyone is that user.
pub fn allows(
    identity: &Identity,
    rule: Option<&RoomRule>,
    room: &RoomName,
    action: Action,
) -> bool {
    let is_of_everyone = |rule: &RoomRule| {
        rule.everyone.contains(action) && rule.rooms.matches(room, &identity.user)
    };
    rule.is_some_and(is_of_everyone) || identity.grants(room, action)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Actions, Grant, Pattern};

    fn ann(grants: &[(&str, Action)]) -> Identity {
        let grants: Vec<Grant> = grants
            .iter()
            .map(|(rooms, action)| Grant {
                rooms: Pattern::parse(rooms).unwrap(),
                actions: Actions::NONE.with(*action),
            })
            .collect();
        Identity {
            user: Arc::from("ann"),
            name: Arc::from("Ann"),
            expires_at: None,
            grants: grants.into(),
        }
    }

    fn room() -> RoomName {
        RoomName::parse("inbox:ann").unwrap()
    }

    fn check(everyone: Option<&[Action]>, grants: &[(&str, Action)], action: Action) -> bool {
        let rule = everyone.map(|actions| RoomRule {
            everyone: actions.iter().copied().collect::<Actions>(),
            ..RoomRule::of(Pattern::parse("*").unwrap())
        });
        allows(&ann(grants), rule.as_ref(), &room(), action)
    }

    #[test]
    fn a_rule_that_names_a_user_speaks_to_that_user_alone() {
        for (pattern, allowed) in [
            ("inbox:{user}", true),
            ("inbox:*", true),
            ("{user}:*", false),
        ] {
            let rule = RoomRule {
                everyone: Actions::ALL,
                ..RoomRule::of(Pattern::parse(pattern).unwrap())
            };
            let answer = allows(&ann(&[]), Some(&rule), &room(), Action::Join);
            assert_eq!(answer, allowed, "{pattern}");
        }
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
