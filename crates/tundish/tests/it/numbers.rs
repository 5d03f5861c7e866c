//! The pages of figures: a small story whose every figure is worked out by hand.
//!
//! Ann came by an ad, confirmed, clicked, bought at a discount, and a month later bought again and
//! was given a part back. Ben came by himself and bought once. Tess is there to try things out.

use std::fmt::Write as _;

use engine::rollups;
use jiff::civil::date;
use model::ids::ContactId;
use model::operators::Role;
use model::spans::{Span, day_of, moved};
use model::times::DAY_MS;
use model::{UtcMs, Zone};
use store::StoreError;
use store::balances::BalanceSum;
use store::reconciliation::Taken;
use store::revenue::{Clicked, MailKey};
use testkit::TestApp;

mod apart;
mod customers;
mod forms;
mod kept;
mod pages;
mod roads;
mod segments;
mod simulator;
mod spends;
mod steps;
mod views;
mod walk;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;
const ANN: i64 = 1;
const BEN: i64 = 2;
const TESS: i64 = 3;

/// Noon of a day of 2026, counted from 1 January = 1.
fn day(n: i64) -> i64 {
    NEW_YEAR + (n - 1) * DAY_MS + DAY_MS / 2
}

/// An id made then; `n` tells those of one instant apart.
fn id(at: i64, n: i64) -> i64 {
    model::ids::first_id_at(UtcMs(at)) + n
}

fn contact(n: i64) -> ContactId {
    let made = [ANN, BEN, TESS].iter().position(|one| *one == n).map_or(5, |at| 5 + at as i64);
    ContactId(id(day(made), n))
}

/// Runs statements in which `$s` is the site.
async fn sql(app: &TestApp, text: &str) {
    let text: &'static str = Box::leak(text.replace("$s", &app.site.id.0.to_string()).into());
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for statement in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
                    tx.query(statement).run().await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// Someone who came at `made`; `n` tells people apart.
fn came(rows: &mut String, (n, who): (i64, i64), made: i64, confirmed: Option<i64>) {
    let confirmed_at = confirmed.map_or("null".to_owned(), |at| at.to_string());
    let status = if confirmed.is_some() { "confirmed" } else { "pending" };
    let test = n == TESS;
    write!(
        rows,
        "insert into contacts (site_id, id, email, email_key, address_hmac, status, first_name,
            last_name, fields, is_test, no_sales, less_often, created_at, updated_at, confirmed_at)
            values ($s, {who}, 'c{n}@x.test', 'c{n}@x.test', 'h{n}', '{status}', '', '', '{{}}',
                {test}, false, false, {made}, {made}, {confirmed_at});"
    )
    .unwrap();
}

fn person(rows: &mut String, n: i64, made: i64, confirmed: Option<i64>, touch: [&str; 3]) {
    let (who, [channel, source, landing]) = (contact(n).0, touch);
    let source = if source.is_empty() { "null".to_owned() } else { format!("'{source}'") };
    came(rows, (n, who), made, confirmed);
    write!(
        rows,
        "insert into touches (site_id, contact_id, id, at, is_first, channel, source, landing)
            values ($s, {who}, {who}, {made}, true, '{channel}', {source}, '{landing}');"
    )
    .unwrap();
}

/// What an account of the ledger had from a payment of an order.
fn booked(
    rows: &mut String,
    (n, txn, at): (i64, i64, i64),
    order: i64,
    (account, minor): (&str, i64),
    (refund, memo): (&str, &str),
) {
    write!(
        rows,
        "insert into ledger_lines (site_id, id, txn_id, at, account, minor, currency, order_id,
            payment_id, refund_id, memo) values
            ($s, {n}, {txn}, {at}, '{account}', {minor}, 'USD', {order}, {order}, {refund},
                '{memo}');"
    )
    .unwrap();
}

/// An order with its line, payment and ledger; `off` was taken off, `cost` is that of its goods.
fn order(rows: &mut String, n: i64, who: i64, at: i64, (net, off, cost): (i64, i64, i64)) {
    let (who, order) = (contact(who).0, id(at, n));
    let goods = net + off;
    write!(
        rows,
        "insert into orders (site_id, id, token_hash, contact_id, email, address_hmac, name,
            country, notes, state, offer_id, provider, currency, tax_ppm, tax_included,
            goods_minor, discount_minor, tax_minor, total_minor, captured_minor, newsletter,
            source, expires_at, paid_at, created_at, updated_at, rate_hmac)
            values ($s, {order}, 't{n}', {who}, '', 'h', '', '', '', 'paid', 500, 'test', 'USD', 0,
                true, {goods}, {off}, 0, {net}, {net}, false, '{{}}', {at}, {at}, {at}, {at}, 'h');
         insert into payments (site_id, id, order_id, seq, purpose, provider, method,
            amount_minor, currency, params, idem_key, state, tries, check_at, created_at,
            updated_at) values ($s, {order}, {order}, 1, 'initial', 'test', 'card', {net}, 'USD',
            '{{}}', 'k{n}', 'succeeded', 1, {at}, {at}, {at});
         insert into order_lines (site_id, id, order_id, payment_id, position, kind, product_id,
            offer_id, offer_version, name, quantity, unit_minor, goods_minor, discount_minor,
            tax_minor, net_minor, total_minor, cost_minor, state, stock, created_at)
            values ($s, {order}, {order}, {order}, 1, 'main', 600, 500, 1, 'Book', 1, {goods},
                {goods}, {off}, 0, {net}, {net}, {cost}, 'paid', 'none', {at});
         insert into entitlements (site_id, id, contact_id, product_id, order_id, line_id,
            quantity, granted_at) values ($s, {order}, {who}, 600, {order}, {order}, 1, {at});"
    )
    .unwrap();
    let sale = ("null", "sale");
    booked(rows, (order, order, at), order, ("cash:test", net), sale);
    booked(rows, (order + 100, order, at), order, ("sales", -net), sale);
}

/// The whole story.
async fn story(app: &TestApp) {
    let mut rows = String::new();
    person(&mut rows, ANN, day(5), Some(day(5)), ["paid_search", "google", "/p/free"]);
    person(&mut rows, BEN, day(6), None, ["direct", "", "/buy/book"]);
    person(&mut rows, TESS, day(7), Some(day(7)), ["direct", "", "/"]);
    let (ann, mail) = (contact(ANN).0, id(day(6), 50));
    write!(
        rows,
        "insert into templates (site_id, id, slug, name, version_id, revision, created_at,
            updated_at) values ($s, 70, 'hello', 'Hello mail', 71, 1, 0, 0);
         insert into template_versions (site_id, id, template_id, number, format, subject, source,
            html, plain, created_at) values ($s, 71, 70, 1, 'markdown', '', '', '', '', 0);
         insert into messages (site_id, id, dedupe_key, class, source_kind, source_id, contact_id,
            to_address, domain, version_id, context, message_id, state, next_at, attempts, epoch,
            unknown_count, accepted_at, date_at, relay, created_at)
            values ($s, {mail}, 'd1', 'value', 'sequence', 7, {ann}, 'c1@x.test', 'x.test', 71,
                '{{}}', '<m1>', 'accepted', 0, 1, 1, 0, {at}, {at}, 'smtp', {at});
         insert into message_attempts (site_id, message_id, epoch, owner, started_at, ended_at,
            relay, tls, outcome, reply) values ($s, {mail}, 1, 1, {at}, {at}, 'smtp', true,
            'accepted', '250');
         insert into clicks (site_id, id, message_id, contact_id, version_id, position, at, method,
            user_agent, prefetch, verdict) values
            ($s, 80, {mail}, {ann}, 71, 1, {click}, 'GET', '', false, 'human'),
            ($s, 81, {mail}, {ann}, 71, 1, {click} + 5, 'GET', '', false, 'machine');
         insert into messages (site_id, id, dedupe_key, class, source_kind, source_id, contact_id,
            to_address, domain, version_id, context, message_id, state, next_at, attempts, epoch,
            unknown_count, accepted_at, date_at, relay, created_at)
            values ($s, {mail} + 1, 'd2', 'value', 'sequence', 7, {tess}, 'c3@x.test', 'x.test',
                71, '{{}}', '<m2>', 'accepted', 0, 1, 1, 0, {at}, {at}, 'smtp', {at});
         insert into message_attempts (site_id, message_id, epoch, owner, started_at, ended_at,
            relay, tls, outcome, reply) values ($s, {mail} + 1, 1, 1, {at}, {at}, 'smtp', true,
            'accepted', '250');
         insert into clicks (site_id, id, message_id, contact_id, version_id, position, at, method,
            user_agent, prefetch, verdict) values
            ($s, 82, {mail} + 1, {tess}, 71, 1, {click}, 'GET', '', false, 'human');
         insert into products (site_id, id, slug, name, summary, description, role, state,
            currency, cost_minor, version, created_at, updated_at) values ($s, 600, 'book',
            'Book', '', '', 'front', 'active', 'USD', 300, 1, 0, 0);
         insert into offers (site_id, id, slug, product_id, title, pitch, button, currency,
            price_minor, deadline, quantity_max, state, version, created_at, updated_at)
            values ($s, 500, 'book', 600, 'The book', '', '', 'USD', 2000, '{{}}', 1, 'active', 1,
                0, 0);",
        at = day(6),
        click = day(8),
        tess = contact(TESS).0,
    )
    .unwrap();
    order(&mut rows, 1, ANN, day(10), (1_900, 100, 300));
    order(&mut rows, 2, ANN, day(40), (9_700, 0, 700));
    order(&mut rows, 3, BEN, day(20), (2_000, 0, 300));
    order(&mut rows, 4, TESS, day(20), (2_000, 0, 300));
    let back = id(day(40), 2);
    write!(
        rows,
        "insert into refunds (site_id, id, order_id, payment_id, amount_minor, tax_minor,
            currency, reason, state, idem_key, whole, actor, created_at) values ($s, 90, {back},
            {back}, 700, 0, 'USD', '', 'succeeded', 'r1', false, '', {at});
         update orders set refunded_minor = 700, state = 'partially_refunded'
            where site_id = $s and id = {back};",
        at = day(41),
    )
    .unwrap();
    let refund = ("90", "refund");
    booked(&mut rows, (91, 91, day(41)), back, ("cash:test", -700), refund);
    booked(&mut rows, (92, 91, day(41)), back, ("refunds", 700), refund);
    sql(app, &rows).await;
    // To 11 July: the cohorts of January have lived through their first hundred days.
    app.advance_ms(day(192) - app.engine.now().0).await;
}

fn span(from: &str, to: &str) -> Span {
    Span { from: from.parse().unwrap(), to: to.parse().unwrap() }
}

fn zone() -> Zone {
    Zone::parse("Europe/Berlin").unwrap()
}

async fn read<T, F>(app: &TestApp, story: F) -> T
where
    F: for<'a, 'c> FnOnce(&'a mut store::Session<'c>) -> store::Story<'a, T, StoreError>
        + Send
        + 'static,
    T: Send + 'static,
{
    app.engine.reader().read(story).await.unwrap()
}

async fn sums(app: &TestApp, span: Span) -> Vec<(String, i64)> {
    let site = app.site.id;
    let counts = read(app, move |session| {
        Box::pin(async move {
            store::stages::within(session, site, (span, &zone()), &store::stages::ALL).await
        })
    })
    .await;
    let mut sums = std::collections::BTreeMap::new();
    for count in counts {
        *sums.entry(count.stage).or_insert(0) += count.contacts;
    }
    sums.into_iter().collect()
}

pub(crate) const USD: store::order_sums::Only<'static> = store::order_sums::Only {
    currency: "USD",
    channel: "",
    product: model::ids::ProductId(0),
    segment: model::ids::SegmentId(0),
};

async fn figures_are_right(app: TestApp) {
    story(&app).await;
    let site = app.site.id;
    let ann = read(&app, move |session| {
        Box::pin(store::order_figures::of_contact(session, site, contact(ANN)))
    })
    .await;
    assert_eq!(ann.len(), 2);
    let [first, second] = &ann[..] else { panic!("two orders") };
    assert_eq!((first.nth, first.day, first.cohort.as_str()), (1, 0, "2026-01"));
    assert_eq!((second.nth, second.day, second.cohort.as_str()), (2, 30, "2026-01"));
    assert_eq!((first.channel.as_str(), first.source.as_str()), ("paid_search", "google"));
    assert_eq!((first.net_minor, first.discount_minor, first.cost_minor), (1_900, 100, 300));
    assert_eq!((second.net_minor, second.refunded_minor), (9_700, 700));
    let mail = first.mail.as_ref().unwrap();
    assert_eq!((mail.kind.as_str(), mail.source_id, mail.template_id), ("sequence", 7, 70));
    assert_eq!(second.mail, None, "the click is more than seven days old");
    let tess = read(&app, move |session| {
        Box::pin(store::order_figures::of_contact(session, site, contact(TESS)))
    })
    .await;
    assert_eq!(tess, [], "a test contact is in no figure");

    let year = span("2026-01-01", "2026-12-31");
    let wanted = [("confirmed", 1), ("lead", 2), ("order", 2), ("qualified", 1), ("second", 1)];
    let wanted: Vec<(String, i64)> = wanted.iter().map(|(s, n)| ((*s).to_owned(), *n)).collect();
    assert_eq!(sums(&app, year).await, wanted);
    let january = sums(&app, span("2026-01-06", "2026-01-31")).await;
    assert!(january.contains(&("lead".to_owned(), 1)) && january.contains(&("order".into(), 2)));

    let mails = read(&app, move |session| {
        Box::pin(async move { store::revenue::by_mail(session, site, year, &zone(), USD).await })
    })
    .await;
    let key = MailKey { kind: "sequence".to_owned(), source_id: 7, template_id: 70 };
    let hello = &mails[&key];
    assert_eq!((hello.sent, hello.clicked, hello.orders, hello.revenue_minor), (1, 1, 1, 1_900));
    assert_eq!(mails.len(), 1);
    let links = read(&app, move |session| {
        Box::pin(async move { store::link_days::within(session, site, year, &zone()).await })
    })
    .await;
    assert_eq!(links.into_iter().collect::<Vec<_>>(), [((71, 1), 1)], "ann's alone");
    let bounds = year.bounds(&zone());
    let (sent, clicked, links) = read(&app, move |session| {
        Box::pin(async move {
            let first = model::ids::MessageId(i64::MAX);
            let rows = |clicked| (clicked, first);
            let (all, one) = (rows(Clicked::OrNot), rows(Clicked::Only));
            let sent = store::revenue::mail_rows(session, site, &key, bounds, all, 10).await?;
            let clicked = store::revenue::mail_rows(session, site, &key, bounds, one, 10).await?;
            let end = (UtcMs(i64::MAX), i64::MAX);
            let links = store::link_days::rows(session, site, (71, 1), bounds, end, 10).await?;
            Ok((sent, clicked, links))
        })
    })
    .await;
    assert_eq!((sent.len(), clicked.len(), links.len()), (1, 1, 1), "tess tries things out");
}

async fn economics_are_right(app: TestApp) {
    story(&app).await;
    let site = app.site.id;
    let won = store::customer_sums::Won {
        span: span("2026-01-01", "2026-01-31"),
        currency: "USD",
        product: model::ids::ProductId(0),
    };
    let brought = read(&app, move |session| {
        Box::pin(async move { store::customer_sums::by_origin(session, site, won, 90).await })
    })
    .await;
    // Ann: 1900 + 100 − 300, later 9700 − 700 − 700. Ben: 2000 − 300.
    let mut found: Vec<(&str, i64, i64, i64, i64, i64)> = brought
        .iter()
        .map(|by| {
            let (channel, day) = (by.channel.as_str(), by.day);
            (channel, day, by.customers, by.seconds, by.discount_minor, by.margin_minor)
        })
        .collect();
    found.sort_unstable();
    let wanted = [
        ("direct", 0, 1, 0, 0, 1_700),
        ("paid_search", 0, 1, 0, 100, 1_700),
        ("paid_search", 30, 0, 1, 0, 8_300),
    ];
    assert_eq!(found, wanted);
    // The same by days alone, and by the month as one.
    let late = store::customer_sums::Won { span: span("2026-01-11", "2026-01-31"), ..won };
    let late = read(&app, move |session| {
        Box::pin(async move { store::customer_sums::by_origin(session, site, late, 90).await })
    })
    .await;
    assert_eq!(late.iter().map(|by| by.margin_minor).sum::<i64>(), 1_700, "Ben alone");
    let (from, until) = won.span.bounds(&zone());
    let recent = store::margins::Recent { from, until, currency: "USD", limit: 10 };
    let (firsts, later) = read(&app, move |session| {
        Box::pin(async move {
            let firsts = store::margins::firsts(session, site, recent).await?;
            Ok((firsts, store::margins::later(session, site, recent, 60).await?))
        })
    })
    .await;
    let firsts: Vec<(i64, i64, bool)> =
        firsts.iter().map(|one| (one.net_minor, one.margin_minor, one.took_offer)).collect();
    assert_eq!(firsts, [(2_000, 1_700, false), (1_900, 1_600, false)], "the newest first");
    let mut later: Vec<(i64, i64, i64)> =
        later.iter().map(|one| (one.orders, one.margin_minor, one.day)).collect();
    later.sort_unstable();
    assert_eq!(later, [(0, 0, 0), (1, 8_300, 30)]);
}

/// Every sum of figures, as stored.
async fn all_sums(app: &TestApp) -> Vec<String> {
    let orders = "select per || what || day || key || channel || source || cast(product_id as text)
        || '#' || cast(nth as text) || '#' || cast(orders as text) || '#' || cast(pieces as text)
        || '#' || cast(net_minor as text) || '#' || cast(refunded_minor as text) || '#'
        || cast(shown as text) from order_sums where orders <> 0 or shown <> 0 order by 1";
    let customers = "select per || won || '#' || cast(product_id as text) || '#'
        || cast(day as text) || channel || source || '#' || cast(customers as text) || '#'
        || cast(seconds as text) || '#' || cast(orders as text) || '#'
        || cast(discount_minor as text) || '#' || cast(margin_minor as text)
        from customer_sums where orders <> 0 order by 1";
    read(app, move |session| {
        Box::pin(async move {
            let mut all: Vec<String> = session.query(orders).all().await?;
            all.extend(session.query(customers).all::<String>().await?);
            Ok(all)
        })
    })
    .await
}

async fn sums_follow(app: TestApp) {
    story(&app).await;
    let as_they_came = all_sums(&app).await;
    assert!(as_they_came.len() > 20, "{as_they_came:?}");
    rollups::rebuild(&app.engine, &app.site).await.unwrap();
    assert_eq!(all_sums(&app).await, as_they_came, "counted anew they are the same");
    // An order is taken out of the figures, and comes back.
    let test = format!("update contacts set is_test = true where id = {}", contact(BEN).0);
    let touch = "update orders set updated_at = updated_at + 86400000000 where site_id = $s";
    sql(&app, &format!("{test}; {touch}")).await;
    app.run_until_idle().await;
    let without = all_sums(&app).await;
    assert!(without.len() < as_they_came.len(), "Ben is in no sum");
    rollups::rebuild(&app.engine, &app.site).await.unwrap();
    assert_eq!(all_sums(&app).await, without);
    sql(&app, &format!("{}; {touch}", test.replace("true", "false"))).await;
    app.run_until_idle().await;
    assert_eq!(all_sums(&app).await, as_they_came);
}

async fn rollups_are_derived(app: TestApp) {
    story(&app).await;
    let findings = engine::verify::run(&app.engine.reader()).await.unwrap();
    let ours = [
        "figure_has_order",
        "order_has_figure",
        "figure_counts_in_order",
        "customer_is_their_orders",
        "cohorts_hold_everybody",
    ];
    let ours: Vec<_> = findings.iter().filter(|found| ours.contains(&found.check)).collect();
    assert!(ours.is_empty(), "{ours:?}");

    let spring = span("2026-01-15", "2026-03-31");
    assert_eq!(rollups::compare(&app.engine, &app.site, spring).await.unwrap(), []);
    let late = span("2026-01-16", "2026-01-16");
    let before = sums(&app, late).await;
    // A contact turns up on a day that was rolled up, and a figure is lost.
    let mut rows = String::new();
    let made = day(16);
    came(&mut rows, (9, id(made, 9)), made, None);
    let ben = contact(BEN).0;
    write!(rows, "delete from order_figures where site_id = $s and contact_id = {ben}").unwrap();
    sql(&app, &rows).await;
    assert_eq!(sums(&app, late).await, before, "the rollup is read");
    let drift = rollups::compare(&app.engine, &app.site, spring).await.unwrap();
    assert_eq!(drift.len(), 1);
    assert_eq!((drift[0].day.as_str(), drift[0].rolled, drift[0].counted), ("2026-01-16", 0, 1));
    let rebuilt = rollups::rebuild(&app.engine, &app.site).await.unwrap();
    assert_eq!(rebuilt.orders, 1);
    assert_eq!(rollups::wrong_sums(&app.engine, &app.site).await.unwrap(), 0, "counted once");
    assert_eq!(rollups::compare(&app.engine, &app.site, spring).await.unwrap(), []);
    assert_eq!(sums(&app, late).await, [("lead".to_owned(), 1)]);
    assert_eq!(rollups::rebuild(&app.engine, &app.site).await.unwrap().orders, 0);
}

async fn sums_meet(app: TestApp) {
    story(&app).await;
    let bounds = span("2026-01-01", "2026-12-31").bounds(&zone());
    for balance in store::reconciliation::MONEY.iter().chain(store::reconciliation::PEOPLE) {
        let taken = taken(&app, balance, bounds).await;
        let is_equal = |one: &Taken| one.apart == 0 && one.left == one.right;
        assert!(taken.iter().all(is_equal), "{}: {taken:?}", balance.name);
        let empty = balance.name == "orders_invoices";
        assert_eq!(taken.iter().all(|one| one.left == 0), empty, "{}", balance.name);
    }
    sql(&app, "delete from payments where site_id = $s and idem_key = 'k3'").await;
    let balance = &store::reconciliation::MONEY[0];
    let lost = &taken(&app, balance, bounds).await[0];
    assert_eq!((lost.left, lost.right, lost.apart), (15_600, 13_600, 1), "a lost payment shows");
}

async fn taken(
    app: &TestApp,
    balance: &'static store::reconciliation::Balance,
    bounds: (UtcMs, UtcMs),
) -> Vec<Taken> {
    let site = app.site.id;
    read(app, move |session| Box::pin(store::reconciliation::sums(session, site, balance, bounds)))
        .await
}

/// Both sums of every comparison, as they are kept and as they are counted now.
async fn both_sums(app: &TestApp, span: Span) -> (Vec<BalanceSum>, Vec<BalanceSum>) {
    let site = app.site.id;
    let (kept, mut live) = read(app, move |session| {
        Box::pin(async move {
            let (from, to) = (span.from.to_string(), span.to.to_string());
            let kept = store::balances::within(session, site, &from, &to).await?;
            Ok((kept, store::reconciliation::count(session, site, (span, &zone())).await?))
        })
    })
    .await;
    live.sort_by(|a, b| (&a.name, &a.part).cmp(&(&b.name, &b.part)));
    (kept, live)
}

async fn kept_sums_are_those_of_the_rows(app: TestApp) {
    story(&app).await;
    while engine::recounts::run_due(&app.engine).await.unwrap() > 0 {}
    let yesterday = moved(day_of(app.engine.now(), &zone()), -1);
    let span = Span { from: date(2026, 1, 1), to: yesterday };
    let (kept, live) = both_sums(&app, span).await;
    assert_eq!(kept, live);
    assert!(kept.iter().any(|sum| sum.name == "orders_payments" && sum.left == 15_600), "{kept:?}");
    // One order a cent too much, another a cent too little: together nothing is missing.
    let more = "update payments set amount_minor = amount_minor + 1 where site_id = $s
        and idem_key = 'k3'";
    sql(&app, more).await;
    let less = "update payments set amount_minor = amount_minor - 1 where site_id = $s
        and idem_key = 'k1'";
    sql(&app, less).await;
    engine::balances::count_again(&app.engine, app.site.id, span).await.unwrap();
    while engine::recounts::run_due(&app.engine).await.unwrap() > 0 {}
    let (kept, live) = both_sums(&app, span).await;
    assert_eq!(kept, live);
    let of = kept.iter().find(|sum| sum.name == "orders_payments").unwrap();
    assert_eq!((of.left - of.right, of.apart), (0, 2), "two faults that cancel out are two");
    let site = app.site.id;
    let days = read(&app, move |session| {
        Box::pin(async move {
            let (from, to) = (span.from.to_string(), span.to.to_string());
            store::balances::apart(session, site, (&from, &to), "orders_payments").await
        })
    })
    .await;
    assert_eq!(days.len(), 2, "{days:?}");
}

both_apps! {
    what_is_kept_of_the_reconciliation_is_counted_anew: kept_sums_are_those_of_the_rows,
    orders_mails_and_stages_are_counted_as_by_hand: figures_are_right,
    customers_cost_and_bring_what_was_worked_out: economics_are_right,
    rollups_can_be_compared_and_made_anew: rollups_are_derived,
    sums_change_with_their_figures_and_can_be_counted_anew: sums_follow,
    sums_taken_two_ways_meet_and_a_loss_shows: sums_meet,
}

/// The story's app with an owner signed in.
async fn told() -> TestApp {
    let app = TestApp::start().await;
    story(&app).await;
    app.sign_in(Role::Owner).await;
    app
}
