//! `/admin`: what goes out, what came in, and what needs a look.

use axum::extract::State;
use engine::EngineError;
use model::ids::OrderId;
use model::sites::Site;
use model::spans::{Span, day_of};
use model::times::MINUTE_MS;
use model::{Money, UtcMs, Zone};
use serde::Serialize;
use store::orders::{Filter, Order};
use store::today::{DaySales, Has, MOST, Trouble};

use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;
use crate::words::{grouped, money_text};

/// Days in the small curves.
const CURVE_DAYS: i64 = 14;
/// A payment whose end is overdue by this much is worth a look.
const OVERDUE_MS: i64 = 15 * MINUTE_MS;
/// New orders shown.
const SALES: i64 = 6;
/// Failures older than this are history.
const FAILED_DAYS: i64 = 7;

/// The first page.
#[derive(Debug, Serialize)]
pub struct TodayPage {
    frame: Frame,
    name: String,
    tiles: Vec<Tile>,
    trouble: Vec<TroubleRow>,
    looks: Vec<Look>,
    steps: Vec<Step>,
    steps_done: usize,
    caught: Option<String>,
    orders: Vec<Sale>,
}

/// A new order.
#[derive(Debug, Serialize)]
pub struct Sale {
    id: String,
    who: String,
    total: Money,
    state: &'static str,
    at: UtcMs,
}

/// A figure that opens to its rows.
#[derive(Debug, Serialize)]
pub struct Tile {
    label: &'static str,
    value: String,
    href: String,
    note: String,
    spark: Vec<i64>,
}

/// Mails that did not simply go.
#[derive(Debug, Serialize)]
pub struct TroubleRow {
    state: String,
    why: String,
    count: i64,
    href: String,
}

/// Something a person must decide.
#[derive(Debug, Serialize)]
pub struct Look {
    text: String,
    /// Where it is decided, if on a page of its own.
    href: Option<String>,
    label: &'static str,
}

/// One of the things a new shop needs.
#[derive(Debug, Serialize)]
pub struct Step {
    done: bool,
    text: &'static str,
    href: &'static str,
}

impl TodayPage {
    pub(crate) fn sample() -> Self {
        let tile = Tile {
            label: "Going out in 24 hours",
            value: "312".to_owned(),
            href: "/admin/messages".to_owned(),
            note: "mails and steps of sequences".to_owned(),
            spark: vec![3, 5, 4, 8],
        };
        let trouble = TroubleRow {
            state: "deferred".to_owned(),
            why: "the receiver asked to wait".to_owned(),
            count: 3,
            href: "#".to_owned(),
        };
        let look = Look {
            text: "2 orders need a look.".to_owned(),
            href: Some("#".to_owned()),
            label: "See them",
        };
        let step = Step { done: false, text: "Make a form", href: "/admin/forms/new" };
        Self {
            frame: Frame::sample("today"),
            name: "Maren".to_owned(),
            tiles: vec![tile],
            trouble: vec![trouble],
            looks: vec![look],
            steps: vec![step],
            steps_done: 0,
            caught: Some("14 mails".to_owned()),
            orders: vec![Sale {
                id: "ord_0000000000001".to_owned(),
                who: "Iris Weber".to_owned(),
                total: Money::new(1_900, model::Currency::USD),
                state: "paid",
                at: UtcMs(1_795_293_000_000),
            }],
        }
    }
}

/// What the store says of today.
struct Seen {
    due: (i64, i64),
    trouble: Vec<Trouble>,
    caught: i64,
    sales: Vec<DaySales>,
    arrivals: Vec<(i64, i64)>,
    money: (i64, i64),
    submissions: Vec<(String, i64)>,
    dead_jobs: i64,
    /// Who became hot yesterday, and from when until when that was.
    hot: (i64, (UtcMs, UtcMs)),
    has: Has,
    orders: Vec<Order>,
}

/// What goes out, what came in, and what needs a look.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let seen = look(&state, who.site.id, who.now, days(&who.site, who.now)).await?;
    let caught = crate::notices::is_caught(&state, &who.site);
    let steps = steps(&who.site, &seen.has, caught);
    let page = TodayPage {
        name: who.present.operator.shown_name().to_owned(),
        tiles: tiles(&who.site, &seen, &day_before(&who.site, who.now)),
        trouble: seen.trouble.iter().map(trouble_row).collect(),
        looks: looks(&seen),
        steps_done: steps.iter().filter(|step| step.done).count(),
        steps,
        orders: seen.orders.into_iter().map(sale).collect(),
        caught: (caught && seen.caught > 0).then(|| counted(seen.caught, "mail")),
        frame: who.frame("today"),
    };
    reply::page("admin/today/index.html", page)
}

fn sale(order: Order) -> Sale {
    Sale {
        id: order.id.to_string(),
        total: Money::new(order.total_minor, order.currency),
        state: order.state.as_str(),
        at: order.created_at,
        who: if order.name.is_empty() { order.email } else { order.name },
    }
}

/// The days of the curves where the site is, up to today: from when until when.
fn days(site: &Site, now: UtcMs) -> Vec<(UtcMs, UtcMs)> {
    let zone = Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc());
    let span = Span::ending(day_of(now, &zone), CURVE_DAYS);
    span.each().map(|day| Span { from: day, to: day }.bounds(&zone)).collect()
}

async fn look(
    state: &AppState,
    site: model::SiteId,
    now: UtcMs,
    days: Vec<(UtcMs, UtcMs)>,
) -> Result<Seen, EngineError> {
    state
        .reader
        .read(move |session| {
            Box::pin(async move {
                use store::today;
                let newest = OrderId(i64::MAX);
                let nothing = (UtcMs(0), UtcMs(0));
                let yesterday = days.iter().rev().nth(1).copied().unwrap_or(nothing);
                let hot = store::scores::count_hot(session, site, yesterday, MOST + 1).await?;
                Ok(Seen {
                    due: today::due_until(session, site, now.plus_days(1)).await?,
                    trouble: today::trouble(session, site, now.plus_days(-FAILED_DAYS)).await?,
                    caught: today::caught(session, site, now.plus_days(-1)).await?,
                    sales: today::sales(session, site, &days).await?,
                    arrivals: today::arrivals(session, site, &days).await?,
                    money: today::open_money(session, site, now.plus_ms(-OVERDUE_MS)).await?,
                    submissions: today::submissions(session, site).await?,
                    dead_jobs: today::dead_jobs(session, site).await?,
                    hot: (hot, yesterday),
                    has: today::has(session, site).await?,
                    orders: store::orders::list(session, site, newest, &Filter::default(), SALES)
                        .await?,
                })
            })
        })
        .await
}

/// Yesterday where the site is, as links say it.
fn day_before(site: &Site, now: UtcMs) -> String {
    let zone = jiff::tz::TimeZone::get(&site.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = now.timestamp().to_zoned(zone).date();
    day.yesterday().unwrap_or(day).to_string()
}

fn tiles(site: &Site, seen: &Seen, day: &str) -> Vec<Tile> {
    let yesterday = CURVE_DAYS - 2;
    let mine = |day: &&DaySales| day.currency == site.currency;
    let sold = seen.sales.iter().filter(mine).find(|day| day.day == yesterday);
    let others: Vec<String> = seen
        .sales
        .iter()
        .filter(|day| day.day == yesterday && day.currency != site.currency)
        .map(|day| money_text(day.minor, &day.currency))
        .collect();
    let orders = sold.map_or(0, |day| day.count);
    let also =
        if others.is_empty() { String::new() } else { format!(", and {}", others.join(", ")) };
    let sales = seen.sales.iter().filter(mine).map(|day| (day.day, day.minor));
    let came = |day: i64| seen.arrivals.iter().find(|(d, _)| *d == day).map_or(0, |(_, n)| *n);
    let (mails, steps) = seen.due;
    vec![
        Tile {
            label: "Going out in 24 hours",
            value: at_most(mails.saturating_add(steps)),
            href: "/admin/messages".to_owned(),
            note: format!("{} planned, {} due", counted(mails, "mail"), counted(steps, "step")),
            spark: Vec::new(),
        },
        Tile {
            label: "Sales yesterday",
            value: money_text(sold.map_or(0, |day| day.minor), &site.currency),
            href: format!("/admin/orders?paid={day}"),
            note: format!("{}{also}", counted(orders, "order")),
            spark: curve(sales),
        },
        Tile {
            label: "New contacts yesterday",
            value: grouped(came(yesterday).unsigned_abs()),
            href: format!("/admin/numbers/stages/lead?from={day}&to={day}"),
            note: format!("{} so far today", grouped(came(yesterday + 1).unsigned_abs())),
            spark: curve(seen.arrivals.iter().copied()),
        },
    ]
}

/// A value for each day; days without one are zero.
fn curve(days: impl Iterator<Item = (i64, i64)>) -> Vec<i64> {
    let days: Vec<(i64, i64)> = days.collect();
    let of = |day: i64| days.iter().filter(|(d, _)| *d == day).map(|(_, value)| *value).sum();
    if days.is_empty() { Vec::new() } else { (0..CURVE_DAYS).map(of).collect() }
}

fn at_most(count: i64) -> String {
    if count > MOST {
        format!("over {}", grouped(MOST.unsigned_abs()))
    } else {
        grouped(count.unsigned_abs())
    }
}

fn counted(count: i64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", at_most(count))
}

fn trouble_row(trouble: &Trouble) -> TroubleRow {
    let why = match (trouble.reason.as_str(), trouble.state.as_str()) {
        ("", "unknown") => "the line broke after the mail was handed over; it is settled soon",
        ("", "deferred") => "the receiver asked to try again later",
        ("", _) => "no reason was given",
        (reason, _) => reason,
    };
    TroubleRow {
        state: trouble.state.clone(),
        why: why.to_owned(),
        count: trouble.count,
        href: format!("/admin/messages?state={}", trouble.state),
    }
}

fn looks(seen: &Seen) -> Vec<Look> {
    let mut looks = Vec::new();
    let mut add = |count: i64, text: String, href, label| {
        if count > 0 {
            looks.push(Look { text, href, label });
        }
    };
    let (review, open) = seen.money;
    add(
        review,
        format!("{} must be looked at.", counted(review, "order")),
        Some("/admin/orders?review=1".to_owned()),
        "See the orders",
    );
    add(
        open,
        format!("{} without a known end.", counted(open, "payment")),
        Some("/admin/orders?state=pending".to_owned()),
        "See the orders",
    );
    for (state, count) in &seen.submissions {
        let text = match state.as_str() {
            "held" => format!("{} waiting for you.", counted(*count, "submission")),
            _ => format!("{} taken for spam.", counted(*count, "submission")),
        };
        add(*count, text, Some(format!("/admin/answers?state={state}")), "See the answers");
    }
    let (hot, (from, until)) = seen.hot;
    let were = if hot == 1 { "turned" } else { "have turned" };
    add(
        hot,
        format!("{} {were} hot yesterday.", counted(hot, "contact")),
        Some(format!("/admin/contacts?score=hot:{}-{}", from.0, until.0)),
        "See who",
    );
    let dead = seen.dead_jobs;
    let text =
        format!("{} could not be done; the log of the server says why.", counted(dead, "job"));
    add(dead, text, None, "");
    looks
}

fn steps(site: &Site, has: &Has, caught: bool) -> Vec<Step> {
    let step = |done, text, href| Step { done, text, href };
    vec![
        step(has.magnets, "Put up something free worth an address", "/admin/magnets"),
        step(has.forms, "Make a form that asks for it", "/admin/forms"),
        step(has.sequences, "Write the mails that follow and set them live", "/admin/sequences"),
        step(has.products && has.offers, "Add a product and its price", "/admin/products"),
        step(has.pages, "Publish the page that sells it", "/admin/pages"),
        step(!caught, "Connect a mail server: until then mail stays here", "/admin/sending"),
        step(
            !site.postal_address.is_empty(),
            "Give the postal address mails need",
            "/admin/settings",
        ),
        step(has.orders, "Buy from yourself once, with a test card", "/catalogue"),
    ]
}

#[cfg(test)]
mod tests {
    use model::times::DAY_MS;

    use super::*;

    #[test]
    fn a_day_without_sales_is_a_zero_and_no_sales_at_all_draw_nothing() {
        let drawn = curve([(0, 5), (2, 7)].into_iter());
        assert_eq!(drawn.len(), usize::try_from(CURVE_DAYS).unwrap());
        assert_eq!(drawn[..3], [5, 0, 7]);
        assert!(curve(std::iter::empty()).is_empty());
    }

    #[test]
    fn the_curves_begin_at_midnight_where_the_site_is() {
        let mut site = model::sites::Site {
            id: model::SiteId(1),
            slug: String::new(),
            name: String::new(),
            base_url: String::new(),
            sender_name: String::new(),
            sender_address: String::new(),
            reply_to: None,
            postal_address: String::new(),
            currency: "EUR".to_owned(),
            timezone: "Asia/Tokyo".to_owned(),
            language: String::new(),
            settings: model::sites::SiteSettings::default(),
            created_at: UtcMs(0),
            updated_at: UtcMs(0),
        };
        // 2026-01-15T20:00Z is the 16th in Tokyo.
        let now = UtcMs(1_768_507_200_000);
        let tokyo = days(&site, now)[0].0;
        site.timezone = "UTC".to_owned();
        let utc = days(&site, now)[0].0;
        assert_eq!(tokyo.since_ms(utc), DAY_MS - 9 * 3_600_000);
        // On Monday, 30 March 2026, yesterday had 23 hours in Berlin.
        site.timezone = "Europe/Berlin".to_owned();
        let days = days(&site, UtcMs(1_774_857_600_000));
        let lengths: Vec<i64> =
            days.iter().map(|(from, to)| to.since_ms(*from) / 3_600_000).collect();
        assert_eq!(lengths[11..], [24, 23, 24]);
        assert!(days.windows(2).all(|two| two[0].1 == two[1].0));
    }
}
