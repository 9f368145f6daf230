//! How many connections a user has.

use std::sync::Arc;

use super::stripes::Stripes;

/// Counts the connections of each user.
pub(crate) struct Users {
    connections: Stripes<Arc<str>, usize>,
    connections_max: Option<usize>,
}

/// One of a user's places. It is free again when this is dropped.
pub(crate) struct UserPlace {
    users: Arc<Users>,
    user: Arc<str>,
}

impl Users {
    pub(crate) fn new(connections_max: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            connections: Stripes::default(),
            connections_max,
        })
    }

    /// Takes a place of the user, or says how many there are.
    pub(crate) fn enter(self: &Arc<Self>, user: &Arc<str>) -> Result<UserPlace, usize> {
        self.connections.with(user, |connections| {
            let count = connections.entry(Arc::clone(user)).or_insert(0);
            if let Some(max) = self.connections_max.filter(|max| *count >= *max) {
                return Err(max);
            }
            *count += 1;
            Ok(UserPlace {
                users: Arc::clone(self),
                user: Arc::clone(user),
            })
        })
    }
}

impl Drop for UserPlace {
    fn drop(&mut self) {
        self.users.connections.with(&self.user, |connections| {
            if let Some(count) = connections.get_mut(&self.user) {
                *count -= 1;
                if *count == 0 {
                    connections.remove(&self.user);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_places_and_gets_them_back() {
        let users = Users::new(Some(2));
        let (ann, bob) = (Arc::from("ann"), Arc::from("bob"));
        let first = users.enter(&ann).ok().unwrap();
        let _second = users.enter(&ann).ok().unwrap();
        assert_eq!(users.enter(&ann).err(), Some(2));
        assert!(users.enter(&bob).is_ok());
        drop(first);
        assert!(users.enter(&ann).is_ok());
    }

    #[test]
    fn a_user_who_has_left_is_forgotten() {
        let users = Users::new(Some(2));
        let ann = Arc::from("ann");
        drop(users.enter(&ann).ok());
        assert!(
            users
                .connections
                .with(&ann, |connections| connections.is_empty())
        );
    }
}
