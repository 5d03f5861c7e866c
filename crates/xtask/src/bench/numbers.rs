//! Every page of figures over a year of a busy shop: what it costs to read them, once the rollups
//! are made as the program makes them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use engine::operators::NewOperator;
use model::UtcMs;
use model::audits::Actor;
use model::ids::first_id_at;
use model::operators::Role;
use model::times::DAY_MS;
use rusqlite::{Connection, params};
use testkit::asking;

use super::{lists, tools};

/// Each page is asked for so often.
const ROUNDS: usize = 21;
const DAYS: i64 = 365;
/// Of ten customers so many buy a second time.
const FIRST_OF_TEN: i64 = 7;
/// A page that takes longer is too slow.
const MOST_MS: f64 = 100.0;

/// How many of each there are.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Contacts.
    pub contacts: i64,
    /// Events in the stream.
    pub events: i64,
    /// Paid orders.
    pub orders: i64,
}

/// Measures and prints; fails where a page takes longer than a tenth of a second.
pub fn run(scale: Scale) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let dir = tempfile::tempdir()?;
    runtime.block_on(async {
        let (installation, engine, site) = tools::shop(&binary, dir.path()).await?;
        let new = NewOperator {
            email: "owner@shop.example".to_owned(),
            name: "The owner".to_owned(),
            role: Role::Owner,
            password: None,
            sites: vec![site.id],
        };
        let owner = engine::operators::add(&engine, Actor::Console, new).await?;
        let link = engine::operators::sign_in_link(&engine, Actor::Console, owner).await?;
        let now = engine.now();
        tools::close(engine).await;
        let first = now.plus_ms(-DAYS * DAY_MS);
        let begun = Instant::now();
        fill(&installation.data.join("tundish.db"), site.id.0, first, scale)?;
        views(&installation.data.join("views.db"), site.id.0, first)?;
        println!("{scale:?} made in {:.0} s", begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let (is_done, said) = installation.run(&["rebuild", "rollups"]);
        anyhow::ensure!(is_done, "the days were not rolled up: {said}");
        println!("rolled up in {:.0} s: {}", begun.elapsed().as_secs_f64(), said.trim());
        let server = installation.serve(&[("TUNDISH_LOG_LEVEL", "warn".to_owned())]);
        let cookie = lists::sign_in(&server.address, &link).await?;
        let slow = ask_all(&server.address, &cookie, (first, now)).await;
        server.stop();
        let slow = slow?;
        anyhow::ensure!(slow.is_empty(), "over {MOST_MS:.0} ms: {}", slow.join(", "));
        Ok(())
    })
}

/// Asks every page of the menu and its views; those that were too slow.
async fn ask_all(
    address: &str,
    cookie: &str,
    (first, now): (UtcMs, UtcMs),
) -> anyhow::Result<Vec<String>> {
    let day = |at: UtcMs| at.rfc3339().chars().take(10).collect::<String>();
    let year = format!("from={}&to={}", day(first), day(now));
    let home = asking::get(address, "/admin/numbers/stages", cookie).await?;
    let mut pages = hrefs(&home, "");
    for page in pages.clone() {
        let html = asking::get(address, &page, cookie).await?;
        pages.extend(hrefs(&html, "by="));
    }
    println!("| page | status | first | p50 | p95 |");
    println!("|---|---|---|---|---|");
    let mut slow = Vec::new();
    for page in &pages {
        let mark = if page.contains('?') { '&' } else { '?' };
        for asked in
            [page.clone(), format!("{page}{mark}{year}"), format!("{page}{mark}compare=before")]
        {
            let mut times: Vec<f64> = Vec::new();
            let mut status = String::new();
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let answer = asking::get(address, &asked, cookie).await?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            // Steps are counted when somebody asks for them, and then known for some minutes.
            let first = times[0];
            times.sort_by(f64::total_cmp);
            let (middle, late) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
            println!("| {asked} | {status} | {first:.1} ms | {middle:.1} ms | {late:.1} ms |");
            if middle > MOST_MS {
                slow.push(asked);
            }
        }
    }
    Ok(slow)
}

/// Addresses of pages of figures in a page, those whose query begins with `query`.
fn hrefs(html: &str, query: &str) -> BTreeSet<String> {
    let html = html.replace("&#x2f;", "/").replace("&amp;", "&");
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let pages = found.filter(|href| href.starts_with("/admin/numbers/"));
    pages
        .filter_map(|href| match href.split_once('?') {
            None if query.is_empty() => Some(href.to_owned()),
            Some((path, asked)) if !query.is_empty() => {
                let by = asked.split('&').find(|part| part.starts_with(query))?;
                Some(format!("{path}?{by}"))
            }
            _ => None,
        })
        .collect()
}

/// A year of contacts, touches, mails, clicks, orders and events, evenly over its days.
fn fill(file: &Path, site: i64, first: UtcMs, scale: Scale) -> anyhow::Result<()> {
    let link = Connection::open(file)?;
    link.pragma_update(None, "synchronous", "off")?;
    link.pragma_update(None, "cache_size", -262_144)?;
    link.execute("update sites set created_at = ?2 where id = ?1", params![site, first.0])?;
    // One every so many milliseconds; ids go with them.
    let gap = DAYS * DAY_MS / scale.contacts.max(1);
    let id = first_id_at(first);
    let id_gap = first_id_at(first.plus_ms(gap)) - id;
    link.execute(
        "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ?2)
         insert into contacts (site_id, id, email, email_key, address_hmac, status, first_name,
            last_name, fields, is_test, no_sales, less_often, created_at, updated_at, confirmed_at)
         select ?1, ?3 + i * ?4, 'reader-' || i || '@example.org',
            'reader-' || i || '@example.org', printf('%064x', i), 'confirmed', 'Robin',
            'Reader ' || i, '{}', false, false, false, ?5 + i * ?6, ?5 + i * ?6, ?5 + i * ?6
         from n",
        params![site, scale.contacts, id, id_gap, first.0, gap],
    )?;
    link.execute_batch(&format!(
        "insert into touches (site_id, contact_id, id, at, is_first, channel, source, landing)
         select site_id, id, id, created_at, true,
            case (created_at / 1000) % 5 when 0 then 'paid_search' when 1 then 'organic_search'
                when 2 then 'email' when 3 then 'paid_social' else 'direct' end,
            case (created_at / 1000) % 5 when 0 then 'google' when 2 then 'letter'
                when 3 then 'facebook' end,
            '/p/page-' || ((created_at / 7000) % 20)
         from contacts where site_id = {site};
         insert into messages (site_id, id, dedupe_key, class, source_kind, source_id, contact_id,
            to_address, domain, version_id, context, message_id, state, next_at, attempts, epoch,
            date_at, relay, unknown_count, accepted_at, created_at)
         select site_id, id + 1, 'bench:' || id, 'value', 'sequence', 1 + (created_at / 1000) % 9,
            id, email, 'example.org',
            (select max(id) from template_versions where site_id = {site}), '{{}}',
            '<' || id || '@example.org>', 'accepted', created_at, 1, 1, created_at,
            'smtp.example.org', 0, created_at, created_at
         from contacts where site_id = {site};
         insert into clicks (site_id, id, message_id, contact_id, version_id, position, at, method,
            user_agent, prefetch, verdict, judged_at)
         select site_id, id + 2, id, contact_id, version_id, 1 + (created_at / 1000) % 3,
            created_at + 60000, 'GET', '', false, 'human', created_at + 90000
         from messages where site_id = {site} and (created_at / 1000) % 4 = 0"
    ))?;
    let owners = scale.orders * FIRST_OF_TEN / 10;
    orders(&link, site, (owners, "created_at + 3600000", 3))?;
    orders(&link, site, (scale.orders - owners, "created_at + 40 * 86400000", 4))?;
    link.execute(
        "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ?2)
         insert into events (site_id, id, at, kind, contact_id, subject_id, data)
         select c.site_id, c.id + 10 + n.i, c.created_at + n.i * 1000,
            case n.i % 5 when 0 then 'page.viewed' when 1 then 'form.answered'
                when 2 then 'mail.clicked' when 3 then 'checkout.opened' else 'order.paid' end,
            c.id, null, '{}'
         from contacts c, n where c.site_id = ?1",
        params![site, scale.events / scale.contacts.max(1)],
    )?;
    Ok(())
}

/// The first `count` contacts buy at an instant of theirs, `nth` milliseconds later.
fn orders(link: &Connection, site: i64, (count, at, nth): (i64, &str, i64)) -> anyhow::Result<()> {
    link.execute_batch(&format!(
        "create temp table bought as select id as who, id + {nth} as id, {at} + {nth} as at,
            (select min(id) from offers where site_id = {site}) as offer,
            (select min(product_id) from offers where site_id = {site}) as product,
            (select currency from sites where id = {site}) as currency
         from contacts where site_id = {site} and {at} < unixepoch('now') * 1000
         order by id limit {count};
         insert into orders (site_id, id, token_hash, contact_id, email, address_hmac, rate_hmac,
            name, country, notes, state, offer_id, provider, currency, tax_ppm, tax_included,
            goods_minor, discount_minor, tax_minor, total_minor, captured_minor, newsletter,
            source, expires_at, paid_at, closed_at, created_at, updated_at)
         select {site}, id, 't' || id, who, '', 'h', 'h', '', '', '', 'paid', offer, 'test',
            currency, 0, true, 1900, 0, 0, 1900, 1900, false, '{{}}', at, at, at, at, at
         from bought;
         insert into payments (site_id, id, order_id, seq, purpose, provider, method, amount_minor,
            currency, params, idem_key, state, tries, check_at, created_at, updated_at)
         select {site}, id, id, 1, 'initial', 'test', 'card', 1900, currency, '{{}}', 'k' || id,
            'succeeded', 1, at, at, at from bought;
         insert into order_lines (site_id, id, order_id, payment_id, position, kind, product_id,
            offer_id, offer_version, name, quantity, unit_minor, goods_minor, discount_minor,
            tax_minor, net_minor, total_minor, cost_minor, state, stock, created_at)
         select {site}, id, id, id, 1, 'main', product, offer, 1, 'Book', 1, 1900, 1900, 0, 0, 1900,
            1900, 300, 'paid', 'none', at from bought;
         insert into entitlements (site_id, id, contact_id, product_id, order_id, line_id, quantity,
            granted_at) select {site}, id, who, product, id, id, 1, at from bought;
         insert into ledger_lines (site_id, id, txn_id, at, account, minor, currency, order_id,
            payment_id, memo)
         select {site}, id, id, at, 'cash:test', 1900, currency, id, id, 'sale' from bought;
         insert into ledger_lines (site_id, id, txn_id, at, account, minor, currency, order_id,
            payment_id, memo)
         select {site}, id + 100, id, at, 'sales', -1900, currency, id, id, 'sale' from bought;
         drop table bought"
    ))?;
    Ok(())
}

/// Views of twenty pages by ten sources on every day.
fn views(file: &Path, site: i64, first: UtcMs) -> anyhow::Result<()> {
    let link = Connection::open(file)?;
    link.pragma_update(None, "synchronous", "off")?;
    link.execute_batch(&format!(
        "with recursive p(i) as (select 0 union all select i + 1 from p where i < 19)
         insert into view_pages (site_id, id, path)
         select {site}, 1000 + i, '/p/page-' || i from p where true on conflict do nothing;
         with recursive s(i) as (select 0 union all select i + 1 from s where i < 9)
         insert into view_origins (site_id, id, source, medium, campaign)
         select {site}, 1000 + i, 'source-' || i, 'cpc', 'c' || i from s where true
         on conflict do nothing;
         with recursive d(i) as (select 0 union all select i + 1 from d where i < 365)
         insert into page_view_sums (site_id, per, period, page, origin, views, visitors)
         select {site}, 'day', date({first} / 1000 + d.i * 86400, 'unixepoch'), p.id, o.id, 40, 20
         from d, view_pages p, view_origins o
         where p.site_id = {site} and o.site_id = {site} and p.id >= 1000 and o.id >= 1000;
         insert into page_view_sums (site_id, per, period, page, origin, views, visitors)
         select site_id, 'month', substr(period, 1, 7), page, origin, sum(views), sum(visitors)
         from page_view_sums where per = 'day' group by site_id, substr(period, 1, 7), page, origin",
        first = first.0
    ))?;
    Ok(())
}
