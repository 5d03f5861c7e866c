//! People: written to only with their consent, and never after a goodbye.

use super::Check;

/// What must always hold of contacts and what they agreed to.
pub const CHECKS: &[Check] = &[
    Check {
        name: "consent_before_mail",
        promise: "mail that needs consent went only to who had given it, and not taken it back",
        sql: "select m.site_id, m.id, m.class || ' mail without a consent that held'
            from messages m
            where m.state = 'accepted' and m.class in ('value', 'sales', 'back-end')
                and m.source_kind <> 'test' and m.contact_id is not null
                and not exists (select 1 from consents g
                    where g.site_id = m.site_id and g.contact_id = m.contact_id
                        and g.purpose = 'newsletter' and g.action = 'granted'
                        and g.at <= coalesce(m.commit_at, m.accepted_at)
                        and not exists (select 1 from consents w
                            where w.site_id = g.site_id and w.contact_id = g.contact_id
                                and w.purpose = g.purpose and w.action = 'withdrawn'
                                and w.id > g.id
                                and w.at < coalesce(m.commit_at, m.accepted_at)))
            limit 100",
    },
    Check {
        name: "suppressed_gets_no_mail",
        promise: "an address that must not be written to gets nothing that can be left out",
        sql: "select m.site_id, m.id, m.class || ' mail to a suppressed address'
            from messages m
            join contacts c on c.site_id = m.site_id and c.id = m.contact_id
            join suppressions s on s.site_id = c.site_id and s.address_hmac = c.address_hmac
            where m.state = 'accepted' and m.class in ('value', 'sales', 'back-end')
                and m.source_kind <> 'test'
                and s.since < coalesce(m.commit_at, m.accepted_at)
            limit 100",
    },
    Check {
        name: "status_has_its_time",
        promise: "a contact that confirmed or unsubscribed has the time of it",
        sql: "select site_id, id, status || ' without a time' from contacts
            where erased_at is null
                and ((status = 'confirmed' and confirmed_at is null)
                    or (status = 'unsubscribed' and unsubscribed_at is null))
            limit 100",
    },
    Check {
        name: "consent_has_its_words",
        promise: "a consent given at a form or a checkout names the words that were agreed to",
        sql: "select c.site_id, c.id, 'no wording' from consents c
            where c.action = 'granted' and c.source in ('form', 'checkout')
                and not exists (select 1 from wordings w
                    where w.site_id = c.site_id and w.id = c.wording_id)
            limit 100",
    },
];
