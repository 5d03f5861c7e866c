//! By mail, by step of a sequence, and by link in a mail.

use std::collections::BTreeMap;

use engine::EngineError;
use model::spans::Span;
use numbers::real::{ratio, real_signed};
use numbers::stages::share;
use store::link_days::Link;
use store::order_sums::{Sums, What};
use store::revenue::{MailFigure, MailKey};

use super::{CREDIT, View, before_cell, picture};
use crate::admin::numbers::compare::Compared;
use crate::admin::numbers::link;
use crate::admin::numbers::report::{Empty, Note, Report};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};

/// Links on the page; a file holds no more, they are the ones that brought most.
const LINKS_MAX: usize = 200;

type Figures = BTreeMap<MailKey, MailFigure>;

/// What mails are called, and where they stand.
struct Names {
    templates: BTreeMap<i64, String>,
    /// Sequence, and the how-many-eth of its mails.
    steps: BTreeMap<i64, (String, usize)>,
}

async fn read(view: &View<'_>) -> Result<(Figures, Figures, Names), EngineError> {
    let (site, zone) = (view.who.site.id, view.period.zone.clone());
    let (span, earlier) = (view.period.span, view.compared.map(|compared| compared.span));
    let narrow = view.narrow.clone();
    view.state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let only = narrow.only();
                let now = store::revenue::by_mail(session, site, span, &zone, only).await?;
                let before = match earlier {
                    Some(span) => store::revenue::by_mail(session, site, span, &zone, only).await?,
                    None => Figures::new(),
                };
                let templates = store::templates::list(session, site).await?;
                let mut steps = BTreeMap::new();
                for sequence in store::sequences::list(session, site).await? {
                    let Ok(draft) = engine::sequences::read(&sequence) else { continue };
                    let mails = draft.steps.iter().filter(|step| {
                        matches!(step.kind, model::sequences::StepKind::Mail { .. })
                    });
                    for (nth, step) in mails.enumerate() {
                        steps.insert(step.id.0, (sequence.name.clone(), nth.saturating_add(1)));
                    }
                }
                let templates = templates.into_iter().map(|t| (t.id.0, t.name)).collect();
                Ok((now, before, Names { templates, steps }))
            })
        })
        .await
}

/// Every mail.
pub(super) async fn fill(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let (figures, before, names) = read(view).await?;
    let title = |key: &MailKey| Cell::text(names.of(key)).note(crate::plain::mail(&key.kind));
    let note = "Steps of sequences stand for themselves, mails of the program by kind.";
    show(report, view, (figures, before), ("By mail", note), title);
    Ok(())
}

/// The steps of sequences alone, by sequence and in their order.
pub(super) async fn steps(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let (mut figures, before, names) = read(view).await?;
    figures.retain(|key, _| key.kind == "sequence");
    let title = |key: &MailKey| {
        let place = match names.steps.get(&key.source_id) {
            Some((sequence, nth)) => format!("{sequence}, mail {nth}"),
            None => "a step that its sequence has no more".to_owned(),
        };
        Cell::text(names.of(key)).note(place)
    };
    let note = "What each step of a sequence sent and brought.";
    show(report, view, (figures, before), ("By step", note), title);
    Ok(())
}

impl Names {
    fn of(&self, key: &MailKey) -> String {
        match self.templates.get(&key.template_id) {
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
}

fn show(
    report: &mut Report,
    view: &View<'_>,
    (figures, before): (Figures, Figures),
    (title, note): (&str, &str),
    named: impl Fn(&MailKey) -> Cell,
) {
    if figures.is_empty() {
        report.empty = Some(Empty {
            title: "No mail left in these days".to_owned(),
            text: "Each mail stands here with what was clicked and ordered after it.".to_owned(),
            action: ("/admin/sequences".to_owned(), "Write a sequence".to_owned()),
        });
        return;
    }
    let caught: i64 = figures.values().map(|figure| figure.caught).sum();
    if caught > 0 {
        let text =
            format!("{} of these mails were caught on this machine.", Cell::count(caught).text);
        report.notes.push(Note::info(text));
    }
    if !view.narrow.is_whole() {
        report.notes.push(Note::info(
            "Sent and clicked count all contacts; orders and revenue those you chose.",
        ));
    }
    let currency = view.narrow.currency();
    let bars = figures.iter().map(|(key, figure)| (named(key).text, figure.revenue_minor));
    report.figures.extend(picture(
        &format!("Revenue {}", lower(title)),
        bars.collect(),
        currency,
        CREDIT,
    ));
    let mut rows: Vec<(&MailKey, &MailFigure)> = figures.iter().collect();
    rows.sort_by_key(|(_, figure)| std::cmp::Reverse((figure.revenue_minor, figure.sent)));
    let row = |(key, figure): &(&MailKey, &MailFigure)| {
        let was = before.get(*key).map(|figure| figure.revenue_minor);
        mail_row(view, key, figure, named(key), was)
    };
    let mut heads = vec!["Mail", "#Sent", "#Clicked", "#Click rate", "#Orders", "#Revenue"];
    heads.extend(view.compared.map(Compared::head));
    heads.push("#Per 100 sent");
    report.sheets.push(Sheet {
        title: title.to_owned(),
        note: Some(note.to_owned()),
        formula: Some(format!("{CREDIT}; click rate = mails with a human click / sent")),
        columns: columns(&heads),
        rows: rows.iter().map(row).collect(),
        ..Sheet::default()
    });
}

fn lower(title: &str) -> String {
    title.to_lowercase()
}

fn mail_row(
    view: &View<'_>,
    key: &MailKey,
    figure: &MailFigure,
    name: Cell,
    was: Option<i64>,
) -> Vec<Cell> {
    let currency = view.narrow.currency();
    let query = [
        ("kind", key.kind.clone()),
        ("of", key.source_id.to_string()),
        ("template", key.template_id.to_string()),
    ];
    let mails = |more: Option<(&'static str, String)>| {
        let mut all = view.period.query().to_vec();
        all.extend(query.iter().cloned().chain(more));
        link("/admin/numbers/mails", &all)
    };
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let whole = view.narrow.is_whole();
    let per_hundred = ratio(real_signed(figure.revenue_minor) * 100.0, real_signed(figure.sent));
    let mut cells = vec![
        name,
        Cell::count(figure.sent).to(mails(None)),
        Cell::count(figure.clicked).to(mails(Some(("clicked", "1".to_owned())))),
        Cell::share(share(count(figure.clicked), count(figure.sent))),
        Cell::count(figure.orders).to(view.orders_at(&query)),
        Cell::money(figure.revenue_minor, currency).to(view.orders_at(&query)),
    ];
    cells.extend(before_cell(view, was, &query));
    cells.push(Cell::mean(per_hundred.filter(|_| whole), currency));
    cells
}

/// A link and what it did: mails clicked, orders, revenue before.
struct LinkFigure {
    link: Link,
    clicked: i64,
    sums: Sums,
    was: Option<i64>,
}

/// Every tracked link.
pub(super) async fn links(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let figures = read_links(view).await?;
    if figures.is_empty() {
        report.empty = Some(Empty {
            title: "No link was clicked in these days".to_owned(),
            text: "Each link of a mail stands here with its clicks and the orders after them."
                .to_owned(),
            action: ("/admin/templates".to_owned(), "See the mails".to_owned()),
        });
        return Ok(());
    }
    let currency = view.narrow.currency();
    let formula = "an order counts for the link the contact clicked last within 7 days before it \
                   was paid; revenue = paid without tax − given back";
    let bars = figures.iter().map(|f| (shown(&f.link.target), f.sums.revenue())).collect();
    report.figures.extend(picture("Revenue by link", bars, currency, formula));
    let row = |figure: &LinkFigure| {
        let query = [
            ("version", figure.link.version_id.to_string()),
            ("position", figure.link.position.to_string()),
        ];
        let mut clicks = view.period.query().to_vec();
        clicks.extend(query.iter().cloned());
        let name = Cell::text(figure.link.target.clone()).shown(shown(&figure.link.target));
        let mut cells = vec![
            name.note(format!("link {} of {}", figure.link.position, figure.link.name)),
            Cell::count(figure.clicked).to(link("/admin/numbers/clicks", &clicks)),
            Cell::count(figure.sums.orders).to(view.orders_at(&query)),
            Cell::money(figure.sums.revenue(), currency).to(view.orders_at(&query)),
        ];
        cells.extend(before_cell(view, figure.was, &query));
        let whole = view.narrow.is_whole();
        let per = ratio(real_signed(figure.sums.revenue()), real_signed(figure.clicked));
        cells.push(Cell::mean(per.filter(|_| whole && figure.clicked > 0), currency));
        cells
    };
    let mut heads = vec!["Link", "#Mails clicked", "#Orders", "#Revenue"];
    heads.extend(view.compared.map(Compared::head));
    heads.push("#Per mail clicked");
    report.sheets.push(Sheet {
        title: "By link".to_owned(),
        note: Some(
            "Each link as it stood in the text that was sent. A mail counts on the day a person \
             first clicked the link in it."
                .to_owned(),
        ),
        formula: Some(formula.to_owned()),
        columns: columns(&heads),
        rows: figures.iter().take(LINKS_MAX).map(row).collect(),
        ..Sheet::default()
    });
    Ok(())
}

/// `shop.example/buy/book` of `https://shop.example/buy/book?utm_source=…`.
fn shown(target: &str) -> String {
    let bare = target.split_once("://").map_or(target, |(_, rest)| rest);
    let bare = bare.split(['?', '#']).next().unwrap_or(bare);
    let mut short: String = bare.chars().take(60).collect();
    if short.chars().count() < bare.chars().count() {
        short.push('…');
    }
    short
}

async fn read_links(view: &View<'_>) -> Result<Vec<LinkFigure>, EngineError> {
    let (site, zone) = (view.who.site.id, view.period.zone.clone());
    let (span, earlier) = (view.period.span, view.compared.map(|compared| compared.span));
    let narrow = view.narrow.clone();
    view.state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let clicked = store::link_days::within(session, site, span, &zone).await?;
                let orders = by_link(session, site, span, &narrow).await?;
                let before = match earlier {
                    Some(span) => by_link(session, site, span, &narrow).await?,
                    None => BTreeMap::new(),
                };
                let mut keys: Vec<(i64, i64)> =
                    clicked.keys().chain(orders.keys()).copied().collect();
                keys.sort_unstable();
                keys.dedup();
                let weight = |key: &(i64, i64)| {
                    let revenue = orders.get(key).map_or(0, Sums::revenue);
                    std::cmp::Reverse((revenue, clicked.get(key).copied().unwrap_or(0)))
                };
                keys.sort_by_key(weight);
                let mut figures = Vec::new();
                for key in keys.into_iter().take(LINKS_MAX) {
                    let Some(link) = store::link_days::find(session, site, key).await? else {
                        continue;
                    };
                    figures.push(LinkFigure {
                        link,
                        clicked: clicked.get(&key).copied().unwrap_or(0),
                        sums: orders.get(&key).copied().unwrap_or_default(),
                        was: before.get(&key).map(Sums::revenue),
                    });
                }
                Ok(figures)
            })
        })
        .await
}

async fn by_link(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    span: Span,
    narrow: &crate::admin::numbers::narrow::Narrow,
) -> Result<BTreeMap<(i64, i64), Sums>, store::StoreError> {
    let rows = store::order_sums::by_key(session, site, What::Link, span, narrow.only()).await?;
    let read = |(key, sums): (String, Sums)| {
        let (version, position) = key.split_once('/')?;
        Some(((version.parse().ok()?, position.parse().ok()?), sums))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}
