//! The controls: a bare rusqlite loop that does what an opt-in must (contact upsert, consent,
//! enrolment, job: four rows, three secondary indexes), once with group commit over 64 clients,
//! once with a commit of its own for each request. No HTTP, no checks, nothing but rows.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

const CLIENTS: usize = 64;

const SCHEMA: &str = "
    create table contacts (id integer primary key, email text not null unique, name text,
        state text not null, at integer not null);
    create table consents (id integer primary key, contact_id integer not null,
        wording text not null, proof text not null, at integer not null);
    create index consents_by_contact on consents (contact_id);
    create table enrolments (id integer primary key, contact_id integer not null,
        sequence_id integer not null, due_at integer not null, unique (contact_id, sequence_id));
    create table jobs (id integer primary key, kind text not null, payload text not null,
        due_at integer not null);
    create index jobs_due on jobs (due_at);
";

fn open(dir: &Path, name: &str) -> anyhow::Result<Connection> {
    let link = Connection::open(dir.join(name))?;
    link.pragma_update(None, "journal_mode", "wal")?;
    link.pragma_update(None, "synchronous", "full")?;
    link.pragma_update(None, "cache_size", -65_536)?;
    link.execute_batch(SCHEMA)?;
    Ok(link)
}

fn opt_in(link: &Connection, n: u64) -> anyhow::Result<()> {
    let email = format!("person{n}@example.org");
    let n = n.cast_signed();
    let id: i64 = link
        .prepare_cached(
            "insert into contacts (email, name, state, at) values (?1, ?2, 'pending', ?3)
             on conflict (email) do update set name = excluded.name returning id",
        )?
        .query_row(params![email, "Person", n], |row| row.get(0))?;
    link.prepare_cached(
        "insert into consents (contact_id, wording, proof, at) values (?1, ?2, ?3, ?4)",
    )?
    .execute(params![id, "Send me the newsletter", "{\"form\":\"home\",\"version\":1}", n])?;
    link.prepare_cached(
        "insert into enrolments (contact_id, sequence_id, due_at) values (?1, 1, ?2)
         on conflict do nothing",
    )?
    .execute(params![id, n])?;
    link.prepare_cached("insert into jobs (kind, payload, due_at) values (?1, ?2, ?3)")?
        .execute(params!["confirm", format!("{{\"contact\":{id}}}"), n])?;
    Ok(())
}

/// Opt-ins a second of 64 clients who share commits, each waiting for its own to be durable.
pub fn group_commit(dir: &Path, seconds: u64, delay: Duration) -> anyhow::Result<f64> {
    let link = open(dir, &format!("control-group-{}.db", delay.as_millis()))?;
    let (give, take) = mpsc::channel::<(u64, mpsc::SyncSender<()>)>();
    let writer = std::thread::spawn(move || -> anyhow::Result<u64> {
        let mut count = 0;
        while let Ok(first) = take.recv() {
            link.execute_batch("begin immediate")?;
            let mut waiting = Vec::with_capacity(CLIENTS);
            let mut next = Some(first);
            while let Some((n, tell)) = next.take() {
                opt_in(&link, n)?;
                waiting.push(tell);
                if waiting.len() < 512 {
                    next = take.try_recv().ok();
                }
            }
            link.execute_batch("commit")?;
            if !delay.is_zero() {
                std::thread::sleep(delay);
            }
            count += waiting.len() as u64;
            for tell in waiting {
                let _ = tell.send(());
            }
        }
        Ok(count)
    });
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let clients: Vec<_> = (0..CLIENTS as u64)
        .map(|client| {
            let give = give.clone();
            std::thread::spawn(move || {
                let mut n = client << 40;
                while Instant::now() < end {
                    let (tell, told) = mpsc::sync_channel(1);
                    if give.send((n, tell)).is_err() || told.recv().is_err() {
                        return;
                    }
                    n += 1;
                }
            })
        })
        .collect();
    drop(give);
    for client in clients {
        let _ = client.join();
    }
    let took = begun.elapsed().as_secs_f64();
    let count = writer.join().map_err(|_| anyhow::anyhow!("the control broke off"))??;
    Ok(count as f64 / took)
}

/// Opt-ins a second with a durable commit for each.
pub fn one_commit_each(dir: &Path, seconds: u64, delay: Duration) -> anyhow::Result<f64> {
    let link = open(dir, &format!("control-single-{}.db", delay.as_millis()))?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let mut count = 0_u64;
    while Instant::now() < end {
        link.execute_batch("begin immediate")?;
        opt_in(&link, count)?;
        link.execute_batch("commit")?;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        count += 1;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
