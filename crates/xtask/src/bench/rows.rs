//! Very many rows, made by the database itself: the question is what reading them costs, not what
//! making them does.

use std::path::Path;

use rusqlite::{Connection, params};

fn open(file: &Path) -> anyhow::Result<Connection> {
    let link = Connection::open(file)?;
    link.pragma_update(None, "synchronous", "off")?;
    link.pragma_update(None, "cache_size", -262_144)?;
    Ok(link)
}

/// Copies the one queued message until there are `count`.
pub fn repeat_message(file: &Path, count: usize) -> anyhow::Result<()> {
    let link = open(file)?;
    link.execute(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1)
         insert into messages (site_id, id, dedupe_key, class, source_kind, source_id, to_address,
            domain, version_id, context, message_id, state, next_at, attempts, epoch,
            unknown_count, created_at)
         select site_id, id + i, dedupe_key || ':' || i, class, source_kind, source_id,
            'reader-' || i || '@example.org', domain, version_id, context,
            replace(message_id, '@', '.' || i || '@'), state, next_at, attempts, epoch,
            unknown_count, created_at
         from messages, n",
        params![i64::try_from(count)? - 1],
    )?;
    Ok(())
}

/// Adds `count` contacts who confirmed, each with a tag, a topic-less consent and an event.
pub fn contacts(file: &Path, site: i64, count: usize) -> anyhow::Result<()> {
    let link = open(file)?;
    link.execute(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?2)
         insert into contacts (site_id, id, email, email_key, address_hmac, status, first_name,
            last_name, fields, is_test, no_sales, less_often, created_at, updated_at, confirmed_at)
         select ?1, ?3 + i * 1048576, 'reader-' || i || '@example.org',
            'reader-' || i || '@example.org', printf('%064x', i),
            case when i % 10 = 0 then 'pending' when i % 25 = 1 then 'unsubscribed'
                else 'confirmed' end,
            'Robin', 'Reader ' || i, '{}', false, false, false, ?4 + i, ?4 + i, ?4 + i
         from n",
        params![site, i64::try_from(count)?, FIRST_ID, FIRST_AT],
    )?;
    link.execute(
        "insert into contact_tags (site_id, contact_id, tag, since)
         select site_id, id, 'first-loaf', created_at from contacts where site_id = ?1",
        params![site],
    )?;
    Ok(())
}

/// The site is as old as its first contact.
pub fn age(file: &Path, site: i64) -> anyhow::Result<()> {
    open(file)?
        .execute("update sites set created_at = ?2 where id = ?1", params![site, FIRST_AT])?;
    Ok(())
}

/// An answer to the first form from each contact there is.
pub fn submissions(file: &Path, site: i64) -> anyhow::Result<()> {
    open(file)?.execute(
        "insert into submissions (site_id, form_id, id, version, contact_id, state, email,
            answers, dropped, touch, created_at)
         select site_id, (select min(id) from forms where site_id = ?1), id + 2, 1, id, 'accepted',
            email, '{}', 0, '{}', created_at from contacts where site_id = ?1",
        params![site],
    )?;
    Ok(())
}

/// A mail to each contact there is: one in a hundred failed, was suppressed, waits for another try,
/// waits to leave next year; the others left.
pub fn messages(file: &Path, site: i64) -> anyhow::Result<()> {
    let link = open(file)?;
    link.execute(
        "insert into messages (site_id, id, dedupe_key, class, source_kind, source_id, contact_id,
            to_address, domain, version_id, context, message_id, state, reason, next_at, attempts,
            epoch, date_at, relay, unknown_count, accepted_at, created_at)
         select site_id, id + 1, 'bench:' || id, 'value', 'sequence', 1, id, email, 'example.org',
            (select max(id) from template_versions where site_id = ?1), '{}',
            '<' || id || '@example.org>', state,
            case when state in ('failed', 'deferred') then '450 4.2.2 mailbox full'
                when state = 'suppressed' then 'unsubscribed' end,
            case when state in ('deferred', 'queued') then ?2 else created_at end, 1, 1,
            created_at, 'smtp.example.org', 0, case when state = 'accepted' then created_at end,
            created_at
         from (select *, case (id / 1048576) % 100 when 3 then 'failed' when 17 then 'suppressed'
                when 41 then 'deferred' when 77 then 'queued' else 'accepted' end as state
            from contacts where site_id = ?1)",
        params![site, FIRST_AT + 400 * 86_400_000],
    )?;
    Ok(())
}

/// An id of about 2026, below those the program will make.
const FIRST_ID: i64 = 1_000_000_000_000_000;
/// 2026-01-15T10:00:00Z.
const FIRST_AT: i64 = 1_768_471_200_000;
