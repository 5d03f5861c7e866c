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
use crate::admin::numbers::report::{Empty, Note, Report};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, link, natural};

/// Links on the page, the ones that brought most; a file holds all.
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

/// What earned in the earlier days alone has a line too: else their column would not add up.
fn with_earlier(mut figures: Figures, before: &Figures) -> Figures {
    for (key, _) in before.iter().filter(|(_, figure)| figure.orders > 0) {
        figures.entry(key.clone()).or_default();
    }
    figures
}

/// Every mail.
pub(super) async fn fill(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let (figures, before, names) = read(view).await?;
    let figures = with_earlier(figures, &before);
    let title = |key: &MailKey| Cell::text(names.of(key)).note(crate::plain::mail(&key.kind));
    let note = "Steps of sequences stand for themselves, mails of the program by kind.";
    show(report, view, (figures, before), ("By mail", note), title);
    Ok(())
}

/// The steps of sequences alone, by sequence and in their order.
pub(super) async fn steps(report: &mut Report, view: &View<'_>) -> Result<(), EngineError> {
    let (figures, before, names) = read(view).await?;
    let mut figures = with_earlier(figures, &before);
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
        all.push(view.home.clone());
        link("/admin/numbers/mails", &all)
    };
    let whole = view.narrow.is_whole();
    let per_hundred = ratio(real_signed(figure.revenue_minor) * 100.0, real_signed(figure.sent));
    let mut cells = vec![
        name,
        Cell::count(figure.sent).to(mails(None)),
        Cell::count(figure.clicked).to(mails(Some(("clicked", "1".to_owned())))),
        Cell::share(share(natural(figure.clicked), natural(figure.sent))),
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

/// Links: the ones listed, and what the others come to.
struct LinkFigures {
    listed: Vec<LinkFigure>,
    further: usize,
    clicked: i64,
    sums: Sums,
    was: i64,
}

/// Every tracked link.
pub(super) async fn links(
    report: &mut Report,
    view: &View<'_>,
    asked: &Asked,
) -> Result<(), EngineError> {
    let most = if asked.format == "csv" { usize::MAX } else { LINKS_MAX };
    let figures = read_links(view, most).await?;
    if figures.listed.is_empty() {
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
    let bars = figures.listed.iter().map(|f| (shown(&f.link.target), f.sums.revenue())).collect();
    report.figures.extend(picture("Revenue by link", bars, currency, formula));
    let mut heads = vec!["Link", "#Mails clicked", "#Orders", "#Revenue"];
    heads.extend(view.compared.map(Compared::head));
    heads.push("#Per mail clicked");
    let mut rows: Vec<Vec<Cell>> =
        figures.listed.iter().map(|figure| link_row(view, figure)).collect();
    if figures.further > 0 {
        let count = Cell::count(i64::try_from(figures.further).unwrap_or(i64::MAX)).text;
        let mut cells = vec![
            Cell::text(format!("{count} further links")).note("in the file"),
            Cell::count(figures.clicked),
            Cell::count(figures.sums.orders),
            Cell::money(figures.sums.revenue(), currency),
        ];
        cells.extend(view.compared.map(|_| Cell::money(figures.was, currency)));
        cells.push(Cell::unknown());
        rows.push(cells);
    }
    report.sheets.push(Sheet {
        title: "By link".to_owned(),
        note: Some(
            "Each link as it stood in the text that was sent, those that brought most first. A \
             mail counts on the day a person first clicked the link in it."
                .to_owned(),
        ),
        formula: Some(formula.to_owned()),
        columns: columns(&heads),
        rows,
        ..Sheet::default()
    });
    Ok(())
}

fn link_row(view: &View<'_>, figure: &LinkFigure) -> Vec<Cell> {
    let currency = view.narrow.currency();
    let query = [
        ("version", figure.link.version_id.to_string()),
        ("position", figure.link.position.to_string()),
    ];
    let mut clicks = view.period.query().to_vec();
    clicks.extend(query.iter().cloned());
    clicks.push(view.home.clone());
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
}

/// `shop.example/buy/book` of `https://shop.example/buy/book?utm_source=…`.
fn shown(target: &str) -> String {
    if let Some(place) = engine::also_bought::place_of(target) {
        return format!("also bought, place {}", place + 1);
    }
    let bare = target.split_once("://").map_or(target, |(_, rest)| rest);
    let bare = bare.split(['?', '#']).next().unwrap_or(bare);
    let mut short: String = bare.chars().take(60).collect();
    if short.chars().count() < bare.chars().count() {
        short.push('…');
    }
    short
}

async fn read_links(view: &View<'_>, most: usize) -> Result<LinkFigures, EngineError> {
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
                    clicked.keys().chain(orders.keys()).chain(before.keys()).copied().collect();
                keys.sort_unstable();
                keys.dedup();
                let clicks = |key: &(i64, i64)| clicked.get(key).copied().unwrap_or(0);
                let sums = |key: &(i64, i64)| orders.get(key).copied().unwrap_or_default();
                let was = |key: &(i64, i64)| before.get(key).map(Sums::revenue);
                keys.sort_by_key(|key| std::cmp::Reverse((sums(key).revenue(), clicks(key))));
                let mut listed = Vec::new();
                let rest = keys.split_off(most.min(keys.len()));
                for key in keys {
                    // A link that was taken out of every text is still one that was clicked.
                    let gone = Link {
                        version_id: key.0,
                        position: key.1,
                        target: "a link that is gone".to_owned(),
                        template_id: 0,
                        name: "a mail".to_owned(),
                    };
                    let link = store::link_days::find(session, site, key).await?.unwrap_or(gone);
                    let (clicked, sums, was) = (clicks(&key), sums(&key), was(&key));
                    listed.push(LinkFigure { link, clicked, sums, was });
                }
                let mut further = Sums::default();
                rest.iter().for_each(|key| further.add(&sums(key), 1));
                Ok(LinkFigures {
                    listed,
                    further: rest.len(),
                    clicked: rest.iter().map(clicks).sum(),
                    sums: further,
                    was: rest.iter().filter_map(was).sum(),
                })
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
