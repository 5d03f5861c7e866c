//! `/admin/numbers/stages`: from a visit to a recommendation, how many came how far.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use engine::EngineError;
use model::UtcMs;
use model::channels::{Rule, channel_of};
use model::ids::{ContactId, SegmentId};
use model::sources::{Touch, Utm};
use model::spans::{DEFAULT_DAYS, Span};
use model::views::Origin;
use numbers::stages::stages;
use store::stages::{StageCount, StageRows};
use store::views::Seen;

use super::compare::{Compared, Delta, Good};
use super::narrow::{self, Narrow};
use super::report::{Empty, LENGTHS, Note, Picture, Report, Select, filter};
use super::rows::{self, FILE_PAGE, Stretch};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, FEW, Period, before, channel_name, days_text, link, natural, way_back};
use crate::charts::{self, Funnel};
use crate::extract::operator::CurrentOperator;
use crate::frame::Crumb;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/stages";
/// Rows of a list on one page.
const PAGE: i64 = 50;
/// Sources listed; the rest is one line, and in the file.
const SOURCES_MAX: usize = 60;

/// The stages: word, name, what it takes.
pub(crate) const STAGES: [(&str, &str, &str); 7] = [
    ("visit", "Visit", "a browser that saw a page on a day; counted without cookies"),
    ("lead", "Lead", "left an address, in a form or at the checkout"),
    ("confirmed", "Confirmed", "pressed the button that confirms the newsletter"),
    ("qualified", "Qualified", "first human click on a link in a mail"),
    ("order", "Order", "first order that was paid"),
    ("second", "Second order", "second order that was paid"),
    ("referral", "Referral", "first customer brought by their link, held or credited"),
];

const VISIT: &str = "visit";
/// Said where a segment is chosen.
const NOBODYS: &str =
    "Nobody is known by a visit, so none is of a segment: stages are counted from the lead on.";

/// The stages a page shows: all, or those that contacts of a segment reach.
fn shown(asked: &Asked) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let whole = segment(asked).0 == 0;
    STAGES.into_iter().filter(move |(word, _, _)| whole || *word != VISIT)
}

fn segment(asked: &Asked) -> SegmentId {
    narrow::segment_in(&asked.segment)
}

/// Counts by stage and origin.
type Counts = BTreeMap<(String, String), BTreeMap<String, i64>>;

/// The stages of a period, beside those of other days where asked for.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let narrow = Narrow::read(&who, &asked);
    let now = counts(&state, &who, period.span, &period, &narrow).await?;
    let compared = Compared::read(&asked, &period);
    let before = match compared {
        Some(compared) => counts(&state, &who, compared.span, &period, &narrow).await?,
        None => Counts::new(),
    };
    let site = who.site.id;
    let (products, segments) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let products = store::customer_sums::first_products(session, site).await?;
                Ok((products, store::segments::list(session, site).await?))
            })
        })
        .await?;
    let mut query = period.query().to_vec();
    query.extend(narrow.kept());
    query.push(Compared::kept(&asked));
    let mut report = Report::new(
        who.frame("stages"),
        "Stages",
        "From a stranger's visit to a customer who recommends you: how many came how far.",
    );
    let selects = vec![
        channels(&now, &before, &asked.channel),
        narrow.products(&products),
        narrow::segments(&segments, &asked.segment),
        Compared::select(&asked),
    ];
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, selects));
    report.notes.extend(period.wrong.clone().map(Note::warn));
    if narrow.product().0 != 0 {
        report.notes.push(Note::info(
            "Only orders are known by what was bought first: the other stages are not narrowed by it.",
        ));
    }
    let of_segment = narrow::of_segment(&who, &segments, narrow.segment(), state.engine.now());
    if let Some(note) = of_segment {
        report.notes.extend([note, Note::info(NOBODYS)]);
    }
    fill(&mut report, &period, &asked, &now, compared.map(|compared| (compared, &before)));
    report.answer(PATH, &asked, &query)
}

fn fill(
    report: &mut Report,
    period: &Period,
    asked: &Asked,
    now: &Counts,
    before: Option<(Compared, &Counts)>,
) {
    let total = |counts: &Counts, stage: &str| -> i64 {
        let chosen = |channel: &str| asked.channel.is_empty() || asked.channel == channel;
        let of = counts.iter().filter(|((channel, _), _)| chosen(channel));
        of.filter_map(|(_, stages)| stages.get(stage)).sum()
    };
    let counted: Vec<(&'static str, u64)> =
        shown(asked).map(|(word, _, _)| (word, natural(total(now, word)))).collect();
    if counted.iter().all(|(_, count)| *count == 0) {
        report.empty = Some(Empty {
            title: "Nobody came in these days".to_owned(),
            text: "Visits, addresses, orders and recommendations are counted here as they happen."
                .to_owned(),
            action: ("/admin/forms".to_owned(), "Make a form".to_owned()),
        });
        return;
    }
    let orders = total(now, "order");
    if orders > 0 && orders < FEW {
        let text = format!("Only {orders} first orders in these days: read shares as anecdotes.");
        report.notes.push(Note::info(text));
    }
    report.figures.push(picture(&counted));
    let earlier =
        before.map(|(compared, counts)| (compared, move |word: &str| total(counts, word)));
    report.sheets.push(by_stage(period, asked, &counted, earlier));
    report.sheets.push(by_source(period, asked, now));
}

fn picture(counted: &[(&'static str, u64)]) -> Picture {
    let label = |word: &str| {
        STAGES.iter().find(|stage| stage.0 == word).map_or("", |stage| stage.1).to_owned()
    };
    let spec = Funnel {
        title: "Stages".to_owned(),
        about: "How many reached each stage for the first time".to_owned(),
        stages: counted
            .iter()
            .map(|(word, count)| charts::Stage { label: label(word), count: *count })
            .collect(),
    };
    Picture {
        title: "How far people came".to_owned(),
        note: Some("Each stage counts who reached it for the first time in these days.".to_owned()),
        svg: charts::both(|size| charts::funnel(&spec, size)),
        formula: Some(
            "goes on = stage / stage before, both in the same days; not the same people followed, \
             so it can pass 100% where they came by another road"
                .to_owned(),
        ),
    }
}

fn by_stage(
    period: &Period,
    asked: &Asked,
    counted: &[(&'static str, u64)],
    before: Option<(Compared, impl Fn(&str) -> i64)>,
) -> Sheet {
    let told = stages(counted);
    let rows = shown(asked).zip(&told).map(|((word, name, takes), stage)| {
        let count = i64::try_from(stage.count).unwrap_or(i64::MAX);
        let open =
            |cell: Cell, span: Span| cell.to(rows_at(word, span, (&asked.channel, asked), None));
        let mut row = vec![Cell::text(name).note(takes), open(Cell::count(count), period.span)];
        if let Some((compared, before)) = &before {
            let was = before(word);
            row.push(open(Cell::count(was), compared.span));
            row.push(Cell::text(Delta::count(count, was, Good::More).short()));
        }
        row.extend([Cell::share(stage.of_previous), Cell::share(stage.of_first)]);
        row
    });
    let mut heads = vec!["Stage", "#These days"];
    let mut note = days_text(period.span);
    if let Some((compared, _)) = &before {
        heads.extend([compared.head(), "#Change"]);
        note = format!("{note}, compared with {}", compared.words());
    }
    let whole = segment(asked).0 == 0;
    heads.extend(["#Of the stage before", if whole { "#Of visits" } else { "#Of leads" }]);
    Sheet {
        title: "Stages".to_owned(),
        note: Some(format!("{note}.")),
        formula: Some(format!(
            "share = stage / stage before (and / {}), with the Wilson interval of 95%; contacts \
             marked as test are left out; a change of fewer than 30 is told without per cent",
            if whole { "visits" } else { "leads" }
        )),
        columns: columns(&heads),
        rows: rows.collect(),
        ..Sheet::default()
    }
}

fn by_source(period: &Period, asked: &Asked, now: &Counts) -> Sheet {
    let chosen = |channel: &str| asked.channel.is_empty() || asked.channel == channel;
    let mut all: Vec<_> = now.iter().filter(|((channel, _), _)| chosen(channel)).collect();
    let weight = |stages: &BTreeMap<String, i64>| {
        let of = |word| stages.get(word).copied().unwrap_or(0);
        (of("order"), of("lead"), of("visit"))
    };
    all.sort_by_key(|(key, stages)| (std::cmp::Reverse(weight(stages)), (*key).clone()));
    let most = if asked.format == "csv" { usize::MAX } else { SOURCES_MAX };
    let further = all.split_off(most.min(all.len()));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    rows.extend(all.into_iter().map(|((channel, source), stages)| {
        let name = Cell::text(channel_name(channel));
        let mut row = vec![if source.is_empty() { name } else { name.note(source.clone()) }];
        row.extend(shown(asked).map(|(word, _, _)| {
            let count = stages.get(word).copied().unwrap_or(0);
            match count {
                0 => Cell::count(0),
                _ => Cell::count(count).to(rows_at(
                    word,
                    period.span,
                    (channel, asked),
                    Some(source),
                )),
            }
        }));
        row
    }));
    if !further.is_empty() {
        let name = format!("{} further sources", further.len());
        let mut row = vec![Cell::text(name).note("in the file")];
        let sum = |word: &str| further.iter().filter_map(|(_, stages)| stages.get(word)).sum();
        row.extend(shown(asked).map(|(word, _, _)| Cell::count(sum(word))));
        rows.push(row);
    }
    let mut labels = vec!["Source".to_owned()];
    labels.extend(shown(asked).map(|(_, name, _)| format!("#{name}")));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Sheet {
        title: "By source".to_owned(),
        note: Some("A contact belongs to the source of their first touch, for ever.".to_owned()),
        formula: Some(format!(
            "count = who reached the stage for the first time in these days, by the channel and \
             source tag of the first touch{}",
            if segment(asked).0 == 0 { "; visits by those of the view" } else { "" }
        )),
        columns: columns(&labels),
        rows,
        empty: "Nobody came by this source in these days.".to_owned(),
        ..Sheet::default()
    }
}

fn rows_at(
    word: &str,
    span: Span,
    (channel, asked): (&str, &Asked),
    source: Option<&String>,
) -> String {
    let mut query = vec![("from", span.from.to_string()), ("to", span.to.to_string())];
    let narrow = [("channel", channel), ("product", &asked.product), ("segment", &asked.segment)];
    let narrow = narrow.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(narrow.map(|(name, value)| (name, value.to_owned())));
    if let Some(source) = source {
        query.push(("source", source.clone()));
    }
    link(&format!("{PATH}/{word}"), &query)
}

fn channels(now: &Counts, before: &Counts, chosen: &str) -> Select {
    let words = now.keys().chain(before.keys()).map(|(channel, _)| channel.clone());
    narrow::origins("channel", words.collect(), chosen)
}

/// Every stage of a span, by channel and source tag.
async fn counts(
    state: &AppState,
    who: &CurrentOperator,
    span: Span,
    period: &Period,
    narrow: &Narrow,
) -> Result<Counts, EngineError> {
    let (site, zone) = (who.site.id, period.zone.clone());
    let (product, segment) = (narrow.product(), narrow.segment());
    let people: Vec<StageCount> = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                if segment.0 != 0 {
                    let days = (span, &zone);
                    let people =
                        store::segment_stages::within(session, site, segment, days, product);
                    return Ok(people.await?);
                }
                let mut people =
                    store::stages::within(session, site, (span, &zone), &store::stages::ALL)
                        .await?;
                if product.0 != 0 {
                    people.retain(|count| !["order", "second"].contains(&count.stage.as_str()));
                    people.extend(store::stages::orders(session, site, span, product).await?);
                }
                Ok(people)
            })
        })
        .await?;
    let mut counts = Counts::new();
    for count in people {
        let stages = counts.entry((count.channel, count.source)).or_default();
        *stages.entry(count.stage).or_default() += count.contacts;
    }
    if segment.0 != 0 {
        return Ok(counts);
    }
    let rules = rules(state, who).await?;
    for (of, seen) in visits(state, who, span).await? {
        let stages = counts.entry(origin(&rules, &of)).or_default();
        *stages.entry("visit".to_owned()).or_default() += seen.visitors;
    }
    Ok(counts)
}

/// Views by where they came from.
pub(crate) async fn visits(
    state: &AppState,
    who: &CurrentOperator,
    span: Span,
) -> Result<Vec<(Origin, Seen)>, EngineError> {
    let site = who.site.id;
    state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::views::by_source(session, site, span).await?) })
        })
        .await
}

/// The site's own rules for channels.
pub(crate) async fn rules(
    state: &AppState,
    who: &CurrentOperator,
) -> Result<Vec<Rule>, EngineError> {
    let site = who.site.id;
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::channel_rules::list(session, site).await?) })
        })
        .await
}

/// The channel and source tag of a view, by the same rules as those of a touch.
pub(crate) fn origin(rules: &[Rule], of: &Origin) -> (String, String) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let referred = of.medium == "referral";
    let touch = Touch {
        utm: Utm {
            source: some(&of.source).filter(|_| !referred),
            medium: some(&of.medium).filter(|_| !referred),
            campaign: some(&of.campaign),
            ..Utm::default()
        },
        referrer: some(&of.source).filter(|_| referred),
        ..Touch::default()
    };
    (channel_of(rules, &touch).as_str().to_owned(), touch.utm.source.unwrap_or_default())
}

/// The contacts who reached a stage, newest first.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(stage): Path<String>,
    Query(asked): Query<Asked>,
) -> Reply {
    let known = STAGES.into_iter().find(|(word, _, _)| *word == stage);
    let (word, name, takes) = known.ok_or(crate::error::WebError::NotFound)?;
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    if word == VISIT {
        return visit_rows(&state, &who, &period, &asked).await;
    }
    if asked.format == "csv" {
        let read = move |asked| read_rows(state.clone(), who.clone(), asked, (word, FILE_PAGE));
        return rows::file(&format!("{word}-0"), asked, read).await;
    }
    let mut report = Report::new(
        who.frame("stages"),
        &format!("{name}: who"),
        &format!("{takes}, {}, newest first.", days_text(period.span)),
    );
    let query = kept(&period, &asked);
    report.back.push(back(&asked, &query));
    let rows = read_rows(state, who, asked.clone(), (word, PAGE)).await?;
    report.pager = rows.pager(&format!("{PATH}/{word}"), &query);
    report.sheets.push(rows.sheet);
    report.answer(&format!("{PATH}/{word}"), &asked, &query)
}

/// The way back to the page of the figure; to the stages of these days where none is named.
fn back(asked: &Asked, query: &[(&'static str, String)]) -> Crumb {
    way_back(asked, Crumb { href: link(PATH, query), label: "Stages".to_owned() })
}

async fn read_rows(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    (word, limit): (&'static str, i64),
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (site, (from, until)) = (who.site.id, period.bounds());
    let start = before(&asked.before).map(|(at, id)| (UtcMs(at), id));
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = StageRows {
                    stage: word,
                    from,
                    until,
                    channel: &asked.channel,
                    source: asked.source.as_deref(),
                    landing: asked.landing.as_deref(),
                    origin: &asked.origin,
                    product: narrow::product_in(&asked.product),
                    segment: segment(&asked),
                    before: start.unwrap_or((UtcMs(i64::MAX), ContactId(i64::MAX))),
                    limit,
                };
                Ok(store::stages::rows(session, site, &of).await?)
            })
        })
        .await?;
    let key = |row: &store::stages::StageRow| format!("{}.{}", row.at.0, row.contact_id);
    Ok(Stretch::of(&rows, limit, key, |rows| people(rows, &period)))
}

fn people(rows: &[store::stages::StageRow], period: &Period) -> Sheet {
    let row = |row: &store::stages::StageRow| {
        let who = if row.email.is_empty() { "erased".to_owned() } else { row.email.clone() };
        let mut cells = vec![
            Cell::text(who).to(format!("/admin/contacts/{}", row.contact_id)),
            Cell::text(row.status.clone()),
            Cell::text(period.when(row.at)),
            Cell::text(channel_name(&row.channel)).note(row.source.clone()),
        ];
        cells.push(match row.order_id {
            Some(order) => Cell::text("Open").to(format!("/admin/orders/{order}")),
            None => Cell::default(),
        });
        cells
    };
    Sheet {
        title: "Contacts".to_owned(),
        formula: Some("a contact counts once, on the day they first reached the stage".to_owned()),
        columns: columns(&["Contact", "Newsletter", "Reached", "Source", "Order"]),
        rows: rows.iter().map(row).collect(),
        empty: "Nobody reached this stage in these days.".to_owned(),
        ..Sheet::default()
    }
}

async fn visit_rows(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
    asked: &Asked,
) -> Reply {
    let lead = format!("Page views by where they came from, {}.", days_text(period.span));
    let mut report = Report::new(who.frame("stages"), "Visits: where from", &lead);
    let query = kept(period, asked);
    report.back.push(back(asked, &query));
    if segment(asked).0 != 0 {
        report.notes.push(Note::info(NOBODYS));
        return report.answer(&format!("{PATH}/visit"), asked, &query);
    }
    let mut rows: Vec<(i64, Vec<Cell>)> = Vec::new();
    let rules = rules(state, who).await?;
    for (of, Seen { views, visitors }) in visits(state, who, period.span).await? {
        let (channel, tag) = origin(&rules, &of);
        let wanted = asked.channel.is_empty() || asked.channel == channel;
        if !wanted || asked.source.as_ref().is_some_and(|source| *source != tag) {
            continue;
        }
        let cells = vec![
            Cell::text(channel_name(&channel)),
            Cell::text(of.source),
            Cell::text(of.medium),
            Cell::text(of.campaign),
            Cell::count(views),
            Cell::count(visitors),
        ];
        rows.push((visitors, cells));
    }
    rows.sort_by_key(|(visitors, _)| std::cmp::Reverse(*visitors));
    report.sheets.push(Sheet {
        title: "Visits".to_owned(),
        note: Some("No more than this is kept of a visit: a count by day.".to_owned()),
        formula: Some(
            "visitors = browsers that saw a page on a day, told apart without cookies; views = \
             pages they saw"
                .to_owned(),
        ),
        columns: columns(&["Channel", "Source", "Medium", "Campaign", "#Views", "#Visitors"]),
        rows: rows.into_iter().map(|(_, cells)| cells).collect(),
        empty: "No page was looked at in these days.".to_owned(),
        ..Sheet::default()
    });
    report.answer(&format!("{PATH}/visit"), asked, &query)
}

fn kept(period: &Period, asked: &Asked) -> Vec<(&'static str, String)> {
    let mut query = period.query().to_vec();
    let narrow = [
        ("channel", &asked.channel),
        ("product", &asked.product),
        ("segment", &asked.segment),
        ("origin", &asked.origin),
        ("back", &asked.back),
    ];
    let narrow = narrow.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(narrow.map(|(name, value)| (name, value.clone())));
    if let Some(source) = &asked.source {
        query.push(("source", source.clone()));
    }
    if let Some(landing) = &asked.landing {
        query.push(("landing", landing.clone()));
    }
    query
}
