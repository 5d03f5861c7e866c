//! `/admin/numbers/revenue`: what each mail, page and offer brought.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::OfferId;
use model::spans::DEFAULT_DAYS;
use numbers::real::{ratio, real_signed};
use numbers::stages::share;
use store::revenue::{MailFigure, MailKey, OfferFigure};

use super::report::{Empty, LENGTHS, Note, Picture, Report, Tab, Tile, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, link};
use crate::charts::{self, Rank, RankItem, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

const PATH: &str = "/admin/numbers/revenue";
/// Bars of the picture.
const BARS: usize = 8;
/// The rule, printed beside every figure it makes.
const CREDIT: &str = "an order counts for the mail with the contact's last human click within \
                      7 days before it was paid; revenue = paid without tax − given back";

/// What brought the orders of a period.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let by = match asked.by.as_str() {
        by @ ("page" | "offer") => by,
        _ => "mail",
    };
    let mut query = period.query().to_vec();
    query.push(("by", by.to_owned()));
    let mut report = Report::new(
        who.frame("revenue"),
        "Revenue",
        "What each mail, page and offer brought, and the orders behind every figure.",
    );
    report.tabs = tabs(&period);
    report.tab = by.to_owned();
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, Vec::new()));
    report.notes.extend(period.wrong.clone().map(Note::warn));
    totals(&mut report, &state, &who, &period).await?;
    match by {
        "page" => by_page(&mut report, &state, &who, &period).await?,
        "offer" => by_offer(&mut report, &state, &who, &period).await?,
        _ => by_mail(&mut report, &state, &who, &period).await?,
    }
    report.answer(PATH, &asked, &query)
}

fn tabs(period: &Period) -> Vec<Tab> {
    let tab = |key: &'static str, label| {
        let mut query = period.query().to_vec();
        query.push(("by", key.to_owned()));
        Tab { key, label, href: link(PATH, &query) }
    };
    vec![tab("mail", "By mail"), tab("page", "By page"), tab("offer", "By offer")]
}

fn orders_at(period: &Period, more: &[(&'static str, String)]) -> String {
    let mut query = period.query().to_vec();
    query.extend(more.iter().cloned());
    link("/admin/numbers/orders", &query)
}

async fn totals(
    report: &mut Report,
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<(), EngineError> {
    let (site, bounds, currency) = (who.site.id, period.bounds(), who.site.currency.clone());
    let ((orders, net, refunded), foreign) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let total = store::revenue::total(session, site, bounds, &currency).await?;
                let foreign = store::revenue::foreign(session, site, bounds, &currency).await?;
                Ok((total, foreign))
            })
        })
        .await?;
    if orders == 0 {
        report.notes.push(Note::info("No order was paid in these days."));
    }
    if foreign > 0 {
        let text = format!(
            "{foreign} orders in other currencies than {} are left out.",
            who.site.currency
        );
        report.notes.push(Note::warn(text));
    }
    let money = |minor| money_text(minor, &who.site.currency);
    let tile = |label: &str, value: String, note: &str| Tile {
        label: label.to_owned(),
        value,
        href: Some(orders_at(period, &[])),
        note: Some(note.to_owned()),
    };
    report.tiles = vec![
        tile("Orders", Cell::count(orders).text, "paid in these days"),
        tile("Revenue", money(net - refunded), "paid without tax − given back"),
        tile("Given back", money(refunded), "refunds of these orders, without tax"),
    ];
    Ok(())
}

fn picture(title: &str, bars: Vec<(String, i64)>, currency: &str) -> Option<Picture> {
    let mut bars: Vec<_> = bars.into_iter().filter(|(_, minor)| *minor > 0).collect();
    bars.sort_by_key(|(_, minor)| std::cmp::Reverse(*minor));
    bars.truncate(BARS);
    if bars.is_empty() {
        return None;
    }
    let item =
        |(label, minor): (String, i64)| RankItem { label, value: real_signed(minor), note: None };
    let spec = Rank {
        title: title.to_owned(),
        about: "Revenue, the most first".to_owned(),
        items: bars.into_iter().map(item).collect(),
        unit: Unit::Money(currency.to_owned()),
    };
    Some(Picture {
        title: title.to_owned(),
        note: None,
        svg: charts::both(|size| charts::rank(&spec, size)),
        formula: None,
    })
}

async fn by_mail(
    report: &mut Report,
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<(), EngineError> {
    let (site, span, zone) = (who.site.id, period.span, period.zone.clone());
    let (currency, money) = (who.site.currency.clone(), who.site.currency.clone());
    let (figures, names) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let figures =
                    store::revenue::by_mail(session, site, span, &zone, &currency).await?;
                let templates = store::templates::list(session, site).await?;
                let name = |t: store::templates::Template| (t.id.0, t.name);
                Ok((figures, templates.into_iter().map(name).collect::<BTreeMap<_, _>>()))
            })
        })
        .await?;
    if figures.is_empty() {
        report.empty = Some(Empty {
            title: "No mail left in these days".to_owned(),
            text: "Each mail stands here with what was clicked and ordered after it.".to_owned(),
            action: ("/admin/sequences".to_owned(), "Write a sequence".to_owned()),
        });
        return Ok(());
    }
    let caught: i64 = figures.values().map(|figure| figure.caught).sum();
    if caught > 0 {
        let text =
            format!("{} of these mails were caught on this machine.", Cell::count(caught).text);
        report.notes.push(Note::info(text));
    }
    let named = |key: &MailKey| mail_name(key, &names);
    let bars = figures.iter().map(|(key, figure)| (named(key), figure.revenue_minor)).collect();
    report.figures.extend(picture("Revenue by mail", bars, &money));
    let mut rows: Vec<(&MailKey, &MailFigure)> = figures.iter().collect();
    rows.sort_by_key(|(_, figure)| std::cmp::Reverse((figure.revenue_minor, figure.sent)));
    let row = |(key, figure): &(&MailKey, &MailFigure)| {
        mail_row(period, key, figure, &named(key), &money)
    };
    report.sheets.push(Sheet {
        title: "By mail".to_owned(),
        note: Some(
            "Steps of sequences stand for themselves, mails of the program by kind.".to_owned(),
        ),
        formula: Some(format!("{CREDIT}; click rate = mails with a human click / sent")),
        columns: columns(&[
            "Mail",
            "#Sent",
            "#Clicked",
            "#Click rate",
            "#Orders",
            "#Revenue",
            "#Per 100 sent",
        ]),
        rows: rows.iter().map(row).collect(),
        ..Sheet::default()
    });
    Ok(())
}

fn mail_row(
    period: &Period,
    key: &MailKey,
    figure: &MailFigure,
    name: &str,
    currency: &str,
) -> Vec<Cell> {
    let query = [
        ("kind", key.kind.clone()),
        ("of", key.source_id.to_string()),
        ("template", key.template_id.to_string()),
    ];
    let mails = |more: Option<(&'static str, String)>| {
        let mut all = period.query().to_vec();
        all.extend(query.iter().cloned().chain(more));
        link("/admin/numbers/mails", &all)
    };
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let per_hundred = ratio(real_signed(figure.revenue_minor) * 100.0, real_signed(figure.sent));
    vec![
        Cell::text(name).note(crate::plain::mail(&key.kind)),
        Cell::count(figure.sent).to(mails(None)),
        Cell::count(figure.clicked).to(mails(Some(("clicked", "1".to_owned())))),
        Cell::share(share(count(figure.clicked), count(figure.sent))),
        Cell::count(figure.orders).to(orders_at(period, &query)),
        Cell::money(figure.revenue_minor, currency).to(orders_at(period, &query)),
        Cell::mean(per_hundred, currency),
    ]
}

fn mail_name(key: &MailKey, templates: &BTreeMap<i64, String>) -> String {
    match templates.get(&key.template_id) {
        Some(name) => name.clone(),
        None => match key.kind.as_str() {
            "confirmation" => "Confirm your address",
            "magnet" => "The free thing",
            "receipt" => "Receipt",
            "cart" => "Cart left behind",
            "notice" => "News about the account",
            "reset" => "Sign-in link",
            "test" => "Test mail",
            other => other,
        }
        .to_owned(),
    }
}

async fn by_page(
    report: &mut Report,
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<(), EngineError> {
    let (site, span, zone) = (who.site.id, period.span, period.zone.clone());
    let (currency, bounds) = (who.site.currency.clone(), period.bounds());
    let (orders, people) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let orders = store::revenue::by_landing(session, site, bounds, &currency).await?;
                Ok((orders, store::stages::within(session, site, span, &zone).await?))
            })
        })
        .await?;
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let views = state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::views::by_page(session, site, &from, &to).await?) })
        })
        .await?;
    let mut pages: BTreeMap<String, [i64; 5]> = BTreeMap::new();
    for (page, views, visitors) in views {
        let [seen, came, ..] = pages.entry(page).or_default();
        (*seen, *came) = (views, visitors);
    }
    for lead in people.into_iter().filter(|count| count.stage == "lead") {
        let [_, _, leads, ..] = pages.entry(lead.landing).or_default();
        *leads += lead.contacts;
    }
    for (page, count, minor) in orders {
        let [_, _, _, orders, revenue] = pages.entry(page).or_default();
        (*orders, *revenue) = (count, minor);
    }
    show_pages(report, period, pages, &who.site.currency);
    Ok(())
}

fn show_pages(
    report: &mut Report,
    period: &Period,
    pages: BTreeMap<String, [i64; 5]>,
    currency: &str,
) {
    if pages.is_empty() {
        report.empty = Some(Empty {
            title: "No page was looked at in these days".to_owned(),
            text: "Each page stands here with its visitors, addresses and orders.".to_owned(),
            action: ("/admin/pages".to_owned(), "Make a page".to_owned()),
        });
        return;
    }
    let named = |page: &str| if page.is_empty() { "not known".to_owned() } else { page.to_owned() };
    let bars = pages.iter().map(|(page, [.., revenue])| (named(page), *revenue)).collect();
    report.figures.extend(picture("Revenue by page", bars, currency));
    let mut rows: Vec<_> = pages.into_iter().collect();
    rows.sort_by_key(|(page, [views, .., revenue])| {
        (std::cmp::Reverse((*revenue, *views)), page.clone())
    });
    let row = |(page, [views, visitors, leads, orders, revenue]): (String, [i64; 5])| {
        let at = || orders_at(period, &[("landing", page.clone())]);
        let mut came = period.query().to_vec();
        came.push(("landing", page.clone()));
        let came = link("/admin/numbers/stages/lead", &came);
        let per = ratio(real_signed(revenue), real_signed(visitors));
        let per = if visitors > 0 { per } else { None };
        vec![
            Cell::text(named(&page)),
            Cell::count(views),
            Cell::count(visitors),
            Cell::count(leads).to(came),
            Cell::count(orders).to(at()),
            Cell::money(revenue, currency).to(at()),
            Cell::mean(per, currency),
        ]
    };
    report.sheets.push(Sheet {
        title: "By page".to_owned(),
        note: Some(
            "Visitors are counted at the first page they saw on a day. Of views and visitors \
             nothing is kept but these counts."
                .to_owned(),
        ),
        formula: Some(
            "an address counts for the page of the contact's first touch, an order for that of \
             the last touch before it was paid; revenue = paid without tax − given back"
                .to_owned(),
        ),
        columns: columns(&[
            "Page",
            "#Views",
            "#Visitors",
            "#Leads",
            "#Orders",
            "#Revenue",
            "#Per visitor",
        ]),
        rows: rows.into_iter().map(row).collect(),
        ..Sheet::default()
    });
}

async fn by_offer(
    report: &mut Report,
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<(), EngineError> {
    let (site, bounds, currency) = (who.site.id, period.bounds(), who.site.currency.clone());
    let (mut offers, shown) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let offers = store::revenue::by_offer(session, site, bounds, &currency).await?;
                Ok((offers, store::revenue::shown(session, site, bounds).await?))
            })
        })
        .await?;
    if offers.is_empty() {
        report.empty = Some(Empty {
            title: "Nothing was sold in these days".to_owned(),
            text: "Each offer stands here with what it sold and earned.".to_owned(),
            action: ("/admin/offers".to_owned(), "Make an offer".to_owned()),
        });
        return Ok(());
    }
    let money = &who.site.currency;
    let bars = offers.iter().map(|o| (format!("{} ({})", o.title, o.kind), o.net_minor)).collect();
    report.figures.extend(picture("Sold by offer", bars, money));
    offers.sort_by_key(|offer| std::cmp::Reverse((offer.net_minor, offer.id)));
    let shown: BTreeMap<(OfferId, String), (i64, i64)> =
        shown.into_iter().map(|(id, kind, seen, taken)| ((id, kind), (seen, taken))).collect();
    let row = |offer: &OfferFigure| {
        offer_row(period, offer, shown.get(&(offer.id, offer.kind.clone())).copied(), money)
    };
    report.sheets.push(Sheet {
        title: "By offer".to_owned(),
        note: Some(
            "Shown and taken are known for one-click offers, which come after an order.".to_owned(),
        ),
        formula: Some(
            "sold = its lines in orders paid in these days, without tax, before refunds; margin = \
             sold − lines paid back − cost of goods"
                .to_owned(),
        ),
        columns: columns(&[
            "Offer",
            "Place",
            "#Shown",
            "#Taken",
            "#Orders",
            "#Pieces",
            "#Sold",
            "#Paid back",
            "#Cost",
            "#Margin",
        ]),
        rows: offers.iter().map(row).collect(),
        ..Sheet::default()
    });
    Ok(())
}

fn offer_row(
    period: &Period,
    offer: &OfferFigure,
    shown: Option<(i64, i64)>,
    currency: &str,
) -> Vec<Cell> {
    let at = || orders_at(period, &[("offer", offer.id.to_string())]);
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let (seen, taken) = match shown {
        Some((seen, taken)) => (Cell::count(seen), Cell::share(share(count(taken), count(seen)))),
        None => (Cell::unknown(), Cell::unknown()),
    };
    vec![
        Cell::text(offer.title.clone()).to(format!("/admin/offers/{}", offer.id)),
        Cell::text(offer.kind.clone()),
        seen,
        taken,
        Cell::count(offer.orders).to(at()),
        Cell::count(offer.quantity),
        Cell::money(offer.net_minor, currency).to(at()),
        Cell::money(offer.refunded_minor, currency),
        Cell::money(offer.cost_minor, currency),
        Cell::money(offer.net_minor - offer.refunded_minor - offer.cost_minor, currency),
    ]
}
