"""Which tests the short suite runs on which database, which it leaves to the proofs, and which begin first."""

from __future__ import annotations

#: What shows in a second way, or at length, what a test beside it shows. It runs with the proofs, on both
#: databases. Files or tests, as pytest names them.
A_SECOND_WAY = (
    "tests/connectors/test_postgres_expiry.py::test_a_client_that_reconnects_",
    "tests/connectors/test_postgres_expiry.py::test_moving_",
    "tests/connectors/test_postgres_expiry.py::test_two_hundred_",
    "tests/connectors/test_postgres_expiry.py::test_upgrading_",
    "tests/connectors/test_postgres_races.py::test_a_grant_and_a_later_",
    "tests/connectors/test_postgres_races.py::test_a_thousand_",
    "tests/connectors/test_postgres_races.py::test_two_leases_",
    "tests/connectors/test_postgres_time_outs.py::test_a_check_of_",
    "tests/connectors/test_postgres_time_outs.py::test_a_process_that_freezes_",
    "tests/journeys/test_asking.py",
    "tests/journeys/test_auditor.py",
    "tests/journeys/test_queue.py",
    "tests/journeys/test_review.py",
    "tests/management/test_commands.py::test_a_shell_sees_",
    "tests/management/test_demo.py::test_with",
    "tests/management/test_deploy_check.py::test_nothing_is_found_in_production[1]",
    "tests/management/test_deploy_check.py::test_something_is_found_where_a_",
    "tests/management/test_private_postgres.py::test_a_kept_",
    "tests/management/test_private_postgres.py::test_committed_",
    "tests/management/test_serve.py::test_a_taken_",
    "tests/management/test_serve.py::test_everything_ends_",
    "tests/operations/test_ssh_left_behind.py::test_a_sign_in_waits_",
    "tests/operations/test_ssh_stalled.py::test_a_stalled_session_hears_of_an_early_end[True]",
    "tests/operations/test_ssh_stalled.py::test_a_stalled_session_is_over_at_its_end[True]",
    "tests/proofs/test_state_machine.py::test_the_invariants_hold[unfenced]",
    "tests/rules/test_policy_yaml.py::test_a_large_directory_",
    "tests/rules/test_policy_yaml.py::test_a_long_document_",
    "tests/web/engineer/test_in_browser.py::test_a_countdown_",
    "tests/web/engineer/test_in_browser.py::test_a_page_",
    "tests/web/engineer/test_in_browser.py::test_it_all_works_without_script",
    "tests/web/engineer/test_in_browser.py::test_no_page_scrolls_",
    "tests/web/pages/test_on_paper.py",
    "tests/web/pages/test_palette_by_keyboard.py",
    "tests/worker/test_redis.py",
    "tests/worker/test_sick_targets.py",
    "tests/worker/test_worker.py::test_goes_on_after_",
    "tests/worker/test_worker.py::test_stops_when_its_whole_group_",
)
#: Of a form's or a list's test with many cases, the short suite runs so many. The proofs run all.
CASES = 2
WITH_MANY_CASES = (
    "tests/operations/test_post_incident",
    "tests/operations/test_recordings.py",
    "tests/web/engineer/",
    "tests/web/oversight/",
    "tests/web/incidents/",
    "tests/web/test_passkeys.py",
    "tests/web/test_recordings.py",
    "tests/web/test_sign_on_proofs.py",
)
EACH_CASE_ITS_OWN = ("tests/web/oversight/test_query_counts.py", "tests/web/oversight/test_queue.py")
#: What stands on rules, words, forms, processes and other servers, and not on what the two databases do
#: differently. On PostgreSQL it runs with the proofs; there the short suite holds constraints, guards, locks,
#: races, searches and each verb of the lifecycle. Folders, files or tests, as pytest names them.
PAGES = (
    "tests/connectors/",
    "tests/envelopes/",
    "tests/journeys/",
    "tests/management/",
    "tests/operations/test_accounts.py",
    "tests/operations/test_after_the_fact.py",
    "tests/operations/test_certifying.py",
    "tests/operations/test_chat.py",
    "tests/operations/test_clock_changes.py",
    "tests/operations/test_editing.py",
    "tests/operations/test_emergency_login.py",
    "tests/operations/test_enforcement.py",
    "tests/operations/test_evidence.py",
    "tests/operations/test_failing_targets.py",
    "tests/operations/test_folding.py",
    "tests/operations/test_limits.py",
    "tests/operations/test_mail_server.py",
    "tests/operations/test_mails.py",
    "tests/operations/test_manual.py",
    "tests/operations/test_notice_choices.py",
    "tests/operations/test_nudges.py",
    "tests/operations/test_outgoing.py",
    "tests/operations/test_overview.py",
    "tests/operations/test_own_hands.py",
    "tests/operations/test_peers.py",
    "tests/operations/test_policy_versions.py",
    "tests/operations/test_post_incident",
    "tests/operations/test_powers.py",
    "tests/operations/test_probes.py",
    "tests/operations/test_recordings.py",
    "tests/operations/test_revealing.py",
    "tests/operations/test_rooms.py",
    "tests/operations/test_sign_ins.py",
    "tests/operations/test_spoken_times.py",
    "tests/operations/test_ssh_",
    "tests/operations/test_statement_logs.py",
    "tests/operations/test_stretches.py",
    "tests/operations/test_watching.py",
    "tests/operations/test_webhooks.py",
    "tests/web/",
    "tests/worker/test_redis.py",
    "tests/worker/test_sick_targets.py",
    "tests/worker/test_worker.py::test_finds_",
    "tests/worker/test_worker.py::test_leaves_",
    "tests/worker/test_worker.py::test_stops_cleanly_",
)
#: And these stand on what the two databases do differently.
PAGES_THAT_SEARCH = {"test_record.py", "test_health.py"}
#: Here no test stands on a database at all.
WITHOUT_A_DATABASE = ("tests/rules/", "tests/envelopes/", "tests/connectors/")
#: Where a test waits for processes, browsers and full minutes.
LONG = (
    "tests/connectors/test_postgres_expiry.py::test_a_session_that_set_the_role_",
    "tests/management/test_serve.py",
    "tests/web/pages/",
    "tests/worker/",
)
#: They share a portal, a server and a browser, which each of xdist's processes would start for itself.
TOGETHER = "tests/journeys/"
