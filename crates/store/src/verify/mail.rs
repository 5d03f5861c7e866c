//! Mail: sent once for its cause, never after a goodbye, and never silently dropped.

use super::Check;

/// What must always hold of the ledger of mail.
pub const CHECKS: &[Check] = &[
    Check {
        name: "mail_accepted_once",
        promise: "a message is accepted by a relay once",
        sql: "select site_id, message_id, 'accepted ' || cast(count(*) as text) || ' times'
            from message_attempts where outcome = 'accepted'
            group by site_id, message_id having count(*) > 1 limit 100",
    },
    Check {
        name: "mail_accepted_has_attempt",
        promise: "a message that was accepted has the attempt that says so",
        sql: "select m.site_id, m.id, 'accepted without an attempt' from messages m
            where m.state = 'accepted' and not exists (select 1 from message_attempts a
                where a.site_id = m.site_id and a.message_id = m.id) limit 100",
    },
    Check {
        name: "mail_attempt_is_known",
        promise: "a message some relay accepted is not waiting to be sent",
        sql: "select m.site_id, m.id, 'a relay accepted it, and it is ' || m.state
            from messages m join message_attempts a
                on a.site_id = m.site_id and a.message_id = m.id and a.outcome = 'accepted'
            where m.state <> 'accepted' limit 100",
    },
    Check {
        name: "mail_unsent_says_why",
        promise: "a message that will not be sent says why",
        sql: "select site_id, id, state || ' without a reason' from messages
            where state in ('failed', 'suppressed', 'cancelled', 'expired', 'held')
                and coalesce(reason, '') = '' and coalesce(reply_text, '') = '' limit 100",
    },
    Check {
        name: "mail_accepted_has_date",
        promise: "a message that left carries the date of its first try",
        sql: "select site_id, id, 'accepted without a date' from messages
            where state = 'accepted' and (date_at is null or accepted_at is null) limit 100",
    },
    Check {
        name: "mail_claim_has_lease",
        promise: "a message on its way is claimed until a time",
        sql: "select site_id, id, state || ' without a lease' from messages
            where state in ('leased', 'committing') and (owner is null or lease_until is null)
            limit 100",
    },
    Check {
        name: "enrolment_is_due_or_ended",
        promise: "a contact's place in a sequence is either due or ended with a reason",
        sql: "select site_id, id, state || ' with neither a date nor an end' from enrolments
            where (state = 'active' and due_at is null)
                or (state <> 'active' and (ended_at is null or coalesce(ended_why, '') = ''))
            limit 100",
    },
    Check {
        name: "enrolment_version_is_its_own",
        promise: "an enrolment follows a version of its own sequence",
        sql: "select e.site_id, e.id, 'follows a version of another sequence' from enrolments e
            where not exists (select 1 from sequence_versions v where v.site_id = e.site_id
                and v.id = e.version_id and v.sequence_id = e.sequence_id) limit 100",
    },
    Check {
        name: "run_counts_its_people",
        promise: "a run of people into a sequence counts everyone it dealt with, and no one else",
        sql: "select r.site_id, r.id, 'counts ' || cast(r.entered as text) || ' who entered and '
                || cast(r.left_out as text) || ' left out, but names '
                || cast(sum(case when p.outcome = 'entered' then 1 else 0 end) as text) || ' and '
                || cast(sum(case when p.outcome <> 'entered' then 1 else 0 end) as text)
            from sequence_runs r left join sequence_run_people p
                on p.site_id = r.site_id and p.run_id = r.id
            group by r.site_id, r.id, r.entered, r.left_out
            having r.entered <> coalesce(sum(case when p.outcome = 'entered' then 1 else 0 end), 0)
                or r.left_out
                    <> coalesce(sum(case when p.outcome <> 'entered' then 1 else 0 end), 0)
            limit 100",
    },
    Check {
        name: "run_entered_is_enrolled",
        promise: "whoever a run put into a sequence has a place in it",
        sql: "select p.site_id, p.contact_id, 'entered, and has no place'
            from sequence_run_people p
            join sequence_runs r on r.site_id = p.site_id and r.id = p.run_id
            where p.outcome = 'entered' and not exists (select 1 from enrolments e
                where e.site_id = p.site_id and e.contact_id = p.contact_id
                    and e.sequence_id = r.sequence_id) limit 100",
    },
    Check {
        name: "step_mailed_once",
        promise: "each step of a sequence is mailed at most once to each contact in it",
        sql: "select site_id, min(id), cast(count(*) as text) || ' mails of one step'
            from messages where enrolment_id is not null and version_id is not null
                and state = 'accepted'
            group by site_id, enrolment_id, dedupe_key having count(*) > 1 limit 100",
    },
    Check {
        name: "click_has_message",
        promise: "a click belongs to a message that was sent",
        sql: "select c.site_id, c.id, 'no such message was sent' from clicks c
            where not exists (select 1 from messages m where m.site_id = c.site_id
                and m.id = c.message_id and m.date_at is not null) limit 100",
    },
];
