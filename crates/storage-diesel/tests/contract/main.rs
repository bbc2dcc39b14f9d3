//! What both databases must do: every test runs on SQLite, and on PostgreSQL where there is one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests fail by panicking, also in their helpers"
)]

mod clients;
mod feed;
mod key_lives;
mod keys;
mod names;
mod races;
mod rotation;
mod rotation_refused;
mod sessions;
mod status;
mod users;

#[path = "../support/mod.rs"]
mod support;

macro_rules! contract {
    ($($room:ident: [$($test:ident,)*])*) => {
        mod sqlite {$(mod $room {$(
            #[test]
            fn $test() {
                use crate::support::{TestDatabase, World};
                crate::$room::$test(&World::new(TestDatabase::sqlite()));
            }
        )*})*}

        mod postgres {$(mod $room {$(
            #[test]
            fn $test() {
                use crate::support::{TestDatabase, World};
                if let Some(database) = TestDatabase::postgres() {
                    crate::$room::$test(&World::new(database));
                }
            }
        )*})*}
    };
}

contract! {
    users: [
        an_account_is_found_by_every_name,
        users_are_listed_by_name,
        a_new_password_ends_every_session,
        a_new_password_is_refused_where_the_old_one_is_gone,
        a_renewed_hash_ends_nothing,
        a_disabled_user_has_no_sessions,
        a_deleted_user_leaves_ended_sessions,
        damage_is_told_from_outage,
    ]
    names: [
        a_name_is_given_once,
        parallel_creation_makes_one_account,
        a_freed_name_is_kept_from_others,
        a_deleted_users_names_are_kept_from_all,
        a_refused_rename_changes_nothing,
    ]
    sessions: [
        a_session_is_stored_whole,
        opening_needs_the_verified_password,
        a_new_session_replaces_old_ones,
        the_least_recently_refreshed_sessions_make_room,
        parallel_logins_keep_to_the_limit,
        ending_twice_keeps_the_first_reason,
        all_or_all_others_end,
        sessions_are_filtered,
        the_process_knows_an_end_before_the_caller,
        whoever_ends_all_knows_of_what_others_ended,
        an_end_that_is_told_again_is_known_from_then_on,
        sweeping_deletes_what_is_too_old,
        a_violated_constraint_fails_its_unit_alone,
    ]
    status: [
        every_session_has_a_place_of_its_own,
        a_quarter_of_a_list_is_handed_out,
        a_list_tells_which_sessions_ended_lately,
        a_session_may_have_no_place,
        one_session_is_not_opened_twice,
    ]
    rotation: [
        a_current_token_advances_its_session,
        a_repeated_token_stays_current,
        a_lost_answer_is_given_again,
        a_hundred_at_once_have_one_successor,
        the_window_ends_to_the_microsecond,
        without_a_window_every_token_counts_once,
        a_clock_that_was_set_back_does_not_stall_a_session,
        sliding_sessions_slide_up_to_their_absolute_end,
        fixed_sessions_keep_their_end,
        late_recovery_is_remembered,
        late_recoveries_keep_sixteen_generations_apart,
    ]
    rotation_refused: [
        reuse_is_committed_although_it_is_refused,
        reuse_at_once_is_audited_once,
        a_token_from_the_future_ends_the_session,
        strangers_leave_the_session_alone,
        an_ended_session_is_revoked,
        a_session_without_an_active_user_is_revoked,
        a_session_that_ran_out_is_expired,
        an_unknown_key_decides_nothing,
    ]
    races: [
        no_login_survives_a_password_change,
        no_login_survives_a_disabling,
        no_login_survives_a_deletion,
        no_refresh_survives_an_end,
        units_on_many_sessions_do_not_fail_each_other,
    ]
    keys: [
        missing_keys_are_added_once,
        nodes_that_start_at_once_have_one_key,
    ]
    clients: [
        a_client_is_stored_whole,
        a_deleted_client_takes_its_sessions_along,
        no_session_is_opened_for_a_client_that_is_gone,
        an_ended_session_of_a_client_is_replaced_once,
        no_session_survives_the_deletion_of_its_client,
    ]
    key_lives: [
        a_key_goes_its_way,
        nodes_that_rotate_at_once_have_one_next_key,
        a_key_that_is_retired_at_once_has_one_successor,
        a_change_is_made_whole_or_not_at_all,
        a_decision_counts_for_the_keys_it_was_made_for,
        a_pepper_in_use_stays,
        keys_are_sealed_again_together,
        keys_of_an_older_schema_go_on,
    ]
    feed: [
        the_first_page_has_the_retention_window,
        what_another_process_ends_is_in_the_feed,
        a_quiet_database_has_an_empty_feed,
        the_heart_beats_when_a_token_is_made,
        all_nodes_have_one_heart,
        the_heart_begins_with_the_newest_session,
        a_ping_reaches_the_writer,
        closing_loses_no_commit,
    ]
}
