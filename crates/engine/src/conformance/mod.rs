//! The suite that every engine passes: the contract of [`Engine`], fact by fact.
//!
//! An engine's tests implement [`Subject`] and write
//! `tautline_engine::conformance_tests!(subject);`, where `subject` is a function that makes one.
//! Every fact becomes a test of its name. Each uses rooms, users and nodes of its own, so that an
//! engine whose state outlives a test may be used again.

mod casts;
mod ear;
mod given;
mod history;
mod keeping;
mod keys;
mod order;
mod presence;
mod resuming;
mod watching;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::Engine;

/// An engine, and the time that it lives in.
pub trait Subject: Send + Sync {
    /// The engine; the same one every time.
    fn engine(&self) -> Arc<dyn Engine>;

    /// The shortest time that the engine tells from none. Facts about time last some of these.
    fn moment(&self) -> Duration;

    /// Lets time pass, by waiting if there is no other way, and has the engine let go of what has ended.
    fn advance(&self, by: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Makes a test of every fact. The argument names a function without arguments that makes a [`Subject`].
#[macro_export]
macro_rules! conformance_tests {
    ($subject:path) => { $crate::conformance_tests! { @facts @tests $subject } };
    (@facts $($then:tt)*) => { $crate::conformance_tests! { $($then)*;
        order {
            offsets_are_contiguous_from_one
            each_event_has_the_id_of_the_one_before
            without_history_the_order_goes_on
            a_publication_arrives_as_it_was_published
            calls_take_their_place_before_they_are_awaited
            many_publishers_have_one_order_on_all_listeners
            position_record_and_event_are_one
            rooms_are_apart
        }
        keys {
            the_same_key_has_the_same_position
            a_duplicate_is_told_once
            attempts_at_the_same_time_have_one_place
            each_user_has_keys_of_their_own
            each_room_has_keys_of_its_own
            other_content_is_a_conflict
            another_tag_is_not_other_content
            keys_outlive_trimming
            keys_end_after_their_window
        }
        history {
            a_new_room_is_empty
            history_is_bounded_by_count
            history_is_bounded_by_age
            history_shrinks_with_its_terms
            last_pages_hold_the_newest
            before_pages_walk_back
            after_pages_walk_on
            heads_outlive_trimming
        }
        resuming {
            after_the_head_nothing_is_missing
            after_what_is_kept_nothing_is_missing
            after_the_last_trimmed_nothing_is_missing
            what_was_evicted_is_told_exactly
            before_the_first_is_a_position
            another_id_is_another_order
            another_epoch_is_another_order
            beyond_the_head_is_another_order
        }
        watching {
            watch_answers_the_head_and_misses_nothing_after_it
            watching_twice_hears_once
            an_unwatched_room_is_silent
            a_full_inbox_becomes_a_gap_that_a_read_closes
            a_full_inbox_holds_nobody_up
        }
        presence {
            entering_and_leaving_are_idempotent
            members_are_in_the_order_in_which_they_came
            what_a_member_shows_changes_and_is_told
            everyone_who_watches_hears_who_comes_and_goes
            a_lease_that_ends_takes_its_members_away
            a_renewed_lease_keeps_its_members
            without_a_lease_nobody_enters
            who_is_lost_and_comes_back_was_never_away
            who_is_lost_for_too_long_has_left
            without_a_grace_who_is_lost_has_left
            who_is_lost_may_leave_and_ends_with_its_node
        }
        keeping {
            a_cursor_never_goes_back
            a_cursor_begins_once
            cursors_belong_to_a_user_and_a_room
            a_cursor_of_another_epoch_yields
            a_kept_value_is_not_replaced
            one_of_many_keeps_a_value
            kept_values_end
        }
        casts {
            a_cast_is_heard_and_not_stored
            casts_and_publications_of_a_caller_keep_their_order
            a_signal_reaches_every_listener
            capabilities_are_true
        }
    } };
    (@tests $subject:path; $($group:ident { $($fact:ident)* })*) => { $($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $fact() {
            $crate::conformance::$fact(&$subject()).await;
        }
    )*)* };
    (@functions; $($group:ident { $($fact:ident)* })*) => { $($(
        #[doc(hidden)]
        pub async fn $fact(subject: &dyn Subject) {
            $group::$fact(subject).await;
        }
    )*)* };
}

conformance_tests! { @facts @functions }
