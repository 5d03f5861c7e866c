//! `/admin/numbers/steps`: up to five steps in the owner's own order, how many went from each to
//! the next, and who did not.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use engine::EngineError;
use engine::steps::{Answered, Question, STEPS_MAX, STOPPED_MAX, Step};
use model::contacts::Contact;
use model::ids::{ContactId, OfferId, SegmentId};
use model::spans::DEFAULT_DAYS;
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{SiteId, UtcMs};
use numbers::stages::share;
use store::Session;
use store::segments::Segment;

use super::narrow;
use super::report::{Empty, LENGTHS, Note, Picture, Report, Select, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, FEW, Period, days_text, link};
use crate::charts::{self, Funnel};
use crate::extract::operator::CurrentOperator;
use crate::frame::{Crumb, Pager};
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/steps";
/// Asked for where nothing is chosen: the whole road.
const USUAL: [Step; STEPS_MAX] =
    [Step::View, Step::Form(None), Step::Confirmed, Step::Checkout, Step::Paid(None)];
/// Days within which the last step comes after the first.
const WINDOWS: [(i64, &str); 5] =
    [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")];
const USUAL_WINDOW: i64 = 30;
/// Pages and sources one may choose from: those with the most views of the days.
const WORDS_MAX: usize = 40;
/// Rows of a list on one page.
const PAGE: usize = 50;
const SECOND_MS: i64 = 1_000;
const RELOAD_SECONDS: u32 = 2;
const COUNTING: &str = "These steps are being counted: so much happened on these days that it takes \
                        some seconds. They show here by themselves.";
/// Said where a segment is chosen.
const STRANGERS: &str = "A page view counts here where it is known to be a contact's, by their own \
                         form, order or click. Those of strangers are of no segment.";
/// Who is followed where none is.
const EVERYONE: &str = "The same people are followed. Who never said who they are can be told from \
                        others for one day: they count in the steps of that day. Browsers that ask \
                        not to be tracked are in no step.";
const CONTACTS: &str = "The same contacts are followed.";

/// How far people came in steps of one's own choice.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (steps, unknown) = chosen(&asked);
    let window = WINDOWS.iter().find(|(days, _)| *days == asked.window);
    let window = window.map_or(USUAL_WINDOW, |(days, _)| *days);
    let named = Choices::read(&state, &who, &period).await?;
    let segment = narrow::segment_in(&asked.segment);
    let question = Question {
        steps: steps.clone(),
        window_days: window,
        span: period.span,
        segment: named.members(segment),
    };
    // A file and a list of people are whole.
    let is_page = asked.format.is_empty() && asked.left.is_empty();
    let wait = if is_page { state.settings.page_wait.0 } else { Duration::MAX };
    let answered = engine::steps::ask_within(&state.engine, &who.site, &question, wait).await?;
    let mut query = period.query().to_vec();
    query.push(("window", window.to_string()));
    query.extend(NAMES.iter().zip(&steps).map(|(name, step)| (*name, step.to_string())));
    if segment.0 != 0 {
        query.push(("segment", asked.segment.clone()));
    }
    if let (Ok(at), Some(answered)) = (asked.left.parse::<usize>(), &answered) {
        return stopped(&state, &who, &asked, (&period, query), (&named, &steps, at), answered)
            .await;
    }
    let mut report = Report::new(
        who.frame("steps"),
        "Steps",
        "Choose up to five steps: how many went from each to the next, in this order and in time.",
    );
    let mut selects = named.selects(&steps, window);
    selects.push(narrow::segments(&named.segments, &asked.segment));
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, selects));
    report.notes.extend(period.wrong.clone().map(Note::warn));
    if unknown {
        report.notes.push(Note::warn("A step of this address is not known; it was left out."));
    }
    let now = state.engine.now();
    report.notes.extend(narrow::of_segment(&who, &named.segments, segment, now));
    if segment.0 != 0 {
        report.notes.push(Note::info(STRANGERS));
    }
    match answered {
        Some(of) => fill(&mut report, &named, &steps, (&period, window), &of, &query),
        None => {
            report.notes.push(Note::info(COUNTING));
            report.reload = Some(RELOAD_SECONDS);
        }
    }
    report.answer(PATH, &asked, &query)
}

/// The fields of the steps.
const NAMES: [&str; STEPS_MAX] = ["s1", "s2", "s3", "s4", "s5"];

/// The steps asked for, and whether some could not be read.
fn chosen(asked: &Asked) -> (Vec<Step>, bool) {
    let words = [&asked.s1, &asked.s2, &asked.s3, &asked.s4, &asked.s5];
    let given: Vec<&String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let steps: Vec<Step> = given.iter().filter_map(|word| word.parse().ok()).collect();
    let unknown = steps.len() < given.len();
    (if steps.is_empty() { USUAL.to_vec() } else { steps }, unknown)
}

/// What one may choose from, steps with their names.
struct Choices {
    steps: Vec<(Step, String)>,
    segments: Vec<Segment>,
}

impl Choices {
    async fn read(
        state: &AppState,
        who: &CurrentOperator,
        period: &Period,
    ) -> Result<Self, EngineError> {
        let site = who.site.id;
        let mut all = vec![
            (Step::View, "Viewed any page".to_owned()),
            (Step::Form(None), "Answered a form".to_owned()),
            (Step::Confirmed, "Confirmed".to_owned()),
            (Step::Clicked, "Clicked in a mail".to_owned()),
            (Step::Checkout, "Sent the checkout".to_owned()),
            (Step::Paid(None), "Paid an order".to_owned()),
            (Step::Shown(None), "Was shown an offer after paying".to_owned()),
            (Step::Taken(None), "Took an offer after paying".to_owned()),
            (Step::Second, "Paid a second order".to_owned()),
        ];
        let (own, segments) = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let forms = store::forms::list(session, site).await?;
                    let products = store::products::list(session, site).await?;
                    let forms = forms.into_iter().map(|form| {
                        (
                            Step::Form(Some(form.id)),
                            format!("Answered \u{201c}{}\u{201d}", form.name),
                        )
                    });
                    let mut own: Vec<(Step, String)> = forms.collect();
                    own.extend(products.into_iter().map(|product| {
                        let name = format!("Bought \u{201c}{}\u{201d}", product.name);
                        (Step::Paid(Some(product.id)), name)
                    }));
                    own.extend(offered(session, site).await?);
                    Ok((own, store::segments::list(session, site).await?))
                })
            })
            .await?;
        all.extend(own);
        let span = period.span;
        let (pages, sources) = state
            .engine
            .views_reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let pages = store::views::by_page(session, site, span).await?;
                    Ok((pages, store::views::by_source(session, site, span).await?))
                })
            })
            .await?;
        let pages = pages.into_iter().map(|(path, seen)| (path, seen.views));
        let page = |path: String| (Step::Page(path.clone()), format!("Viewed {path}"));
        all.extend(most(pages).into_iter().map(page));
        let sources = sources.into_iter().map(|(origin, seen)| (origin.source, seen.views));
        let source =
            |source: String| (Step::Source(source.clone()), format!("Viewed, from {source}"));
        all.extend(most(sources.filter(|one| !one.0.is_empty())).into_iter().map(source));
        Ok(Self { steps: all, segments })
    }

    /// Whose steps are asked for, as of their last count; none: anyone's.
    fn members(&self, segment: SegmentId) -> Option<(SegmentId, Option<UtcMs>)> {
        let known = self.segments.iter().find(|one| one.id == segment);
        (segment.0 != 0).then(|| (segment, known.and_then(|known| known.counted_at)))
    }

    fn name(&self, step: &Step) -> String {
        let known = self.steps.iter().find(|(of, _)| of == step).map(|(_, name)| name.clone());
        known.unwrap_or_else(|| match step {
            Step::Page(path) => format!("Viewed {path}"),
            Step::Source(source) => format!("Viewed, from {source}"),
            other => other.to_string(),
        })
    }

    fn selects(&self, steps: &[Step], window: i64) -> Vec<Select> {
        const LABELS: [&str; STEPS_MAX] = ["Step 1", "Step 2", "Step 3", "Step 4", "Step 5"];
        let mut selects = Vec::new();
        for (at, (name, label)) in NAMES.iter().zip(LABELS).enumerate() {
            let mut options = vec![(String::new(), "–".to_owned())];
            options.extend(self.steps.iter().map(|(step, name)| (step.to_string(), name.clone())));
            let step = steps.get(at);
            let value = step.map(ToString::to_string).unwrap_or_default();
            if let Some(step) = step.filter(|_| options.iter().all(|(word, _)| *word != value)) {
                options.push((value.clone(), self.name(step)));
            }
            selects.push(Select { name, label, options, value });
        }
        selects.push(Select {
            name: "window",
            label: "All within",
            options: WINDOWS.map(|(days, text)| (days.to_string(), text.to_owned())).to_vec(),
            value: window.to_string(),
        });
        selects
    }
}

/// The offers that a path shows after a payment, shown and taken.
async fn offered(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(Step, String)>, EngineError> {
    let paths = store::paths::list(session, site).await?;
    let levels = paths.into_iter().flat_map(|path| path.levels);
    let mut offers: Vec<OfferId> =
        levels.flat_map(|level| [Some(level.upsell), level.downsell]).flatten().collect();
    offers.sort_unstable();
    offers.dedup();
    let mut all = Vec::new();
    for id in offers {
        let Some(offer) = store::offers::find(session, site, id).await? else { continue };
        let name = format!("\u{201c}{}\u{201d} after paying", offer.title);
        all.push((Step::Shown(Some(id)), format!("Was shown {name}")));
        all.push((Step::Taken(Some(id)), format!("Took {name}")));
    }
    Ok(all)
}

/// The words with the most views, the most first.
fn most(words: impl Iterator<Item = (String, i64)>) -> Vec<String> {
    let mut sums = std::collections::BTreeMap::<String, i64>::new();
    words.for_each(|(word, views)| *sums.entry(word).or_default() += views);
    let mut all: Vec<(String, i64)> = sums.into_iter().collect();
    all.sort_by_key(|(_, views)| std::cmp::Reverse(*views));
    all.into_iter().take(WORDS_MAX).map(|(word, _)| word).collect()
}

fn fill(
    report: &mut Report,
    named: &Choices,
    steps: &[Step],
    (period, window): (&Period, i64),
    answered: &Arc<Answered>,
    query: &[(&'static str, String)],
) {
    let reached = &answered.outcome.reached;
    if reached.iter().all(|count| *count == 0) {
        report.empty = Some(Empty {
            title: "Nobody took the first step in these days".to_owned(),
            text: "Choose another first step, or more days.".to_owned(),
            action: (PATH.to_owned(), "Begin with any page viewed".to_owned()),
        });
        return;
    }
    let last = reached.last().copied().unwrap_or(0);
    if last > 0 && i64::try_from(last).unwrap_or(i64::MAX) < FEW {
        let text = format!("Only {last} took the last step: read shares as anecdotes.");
        report.notes.push(Note::info(text));
    }
    let whole = query.iter().all(|(name, _)| *name != "segment");
    report.figures.push(picture(named, steps, reached, (window, whole)));
    report.sheets.push(sheet(named, steps, answered, query));
    let when = period.zone.local(answered.at).strftime("%H:%M").to_string();
    report.notes.push(Note::info(format!(
        "Counted at {when} from {} page views and {} acts of contacts, {}; again after ten minutes.",
        crate::words::grouped(answered.views),
        crate::words::grouped(answered.acts),
        days_text(period.span),
    )));
}

fn picture(
    named: &Choices,
    steps: &[Step],
    reached: &[u64],
    (window, whole): (i64, bool),
) -> Picture {
    let within = WINDOWS.iter().find(|(days, _)| *days == window).map_or("", |(_, text)| text);
    let stage =
        |(step, count): (&Step, &u64)| charts::Stage { label: named.name(step), count: *count };
    let spec = Funnel {
        title: "Steps".to_owned(),
        about: format!("How many took each step in this order within {within}"),
        stages: steps.iter().zip(reached).map(stage).collect(),
    };
    Picture {
        title: "How far they went".to_owned(),
        note: Some(if whole { EVERYONE } else { CONTACTS }.to_owned()),
        svg: charts::both(|size| charts::funnel(&spec, size)),
        formula: Some(format!(
            "step k = people with events e1 < e2 < … < ek, each fitting its step, and ek within \
             {within} of e1; any e1 may begin, one event is one step at most"
        )),
    }
}

fn sheet(
    named: &Choices,
    steps: &[Step],
    answered: &Answered,
    query: &[(&'static str, String)],
) -> Sheet {
    let reached = &answered.outcome.reached;
    let first = reached.first().copied().unwrap_or(0);
    let count = |n: u64| Cell::count(i64::try_from(n).unwrap_or(i64::MAX));
    let row = |(at, step): (usize, &Step)| {
        let here = reached.get(at).copied().unwrap_or(0);
        let before = at.checked_sub(1).and_then(|at| reached.get(at)).copied();
        let on = reached.get(at + 1).copied();
        let stopped = answered.stopped.get(at).map_or(0, Vec::len);
        let took = answered.outcome.median.get(at).copied().flatten();
        let opened = contacts_cell(stopped);
        let mut to = query.to_vec();
        to.push(("left", at.to_string()));
        vec![
            Cell::text(named.name(step)),
            count(here),
            before.map_or_else(Cell::unknown, |before| Cell::share(share(here, before))),
            Cell::share(share(here, first)),
            on.map_or_else(Cell::unknown, |on| count(here.saturating_sub(on))),
            if stopped == 0 { opened } else { opened.to(link(PATH, &to)) },
            took.map_or_else(Cell::unknown, |ms| Cell::worded(took_text(ms), ms / SECOND_MS)),
        ]
    };
    Sheet {
        title: "Step by step".to_owned(),
        note: Some(
            "Of those who stopped, the contacts open as a list; who left no address has no name."
                .to_owned(),
        ),
        formula: Some(
            "share = step / step before (and / first step), with the Wilson interval of 95%; \
             stopped = step − next step; the time is the median of those who took the step \
             (in a file: seconds)"
                .to_owned(),
        ),
        columns: columns(&[
            "Step",
            "#Reached",
            "#Of the step before",
            "#Of the first",
            "#Stopped here",
            "#Contacts among them",
            "#Time from the step before",
        ]),
        rows: steps.iter().enumerate().map(row).collect(),
        ..Sheet::default()
    }
}

/// How many contacts stopped at a step; no more than so many of them are remembered.
fn contacts_cell(stopped: usize) -> Cell {
    let count = Cell::count(i64::try_from(stopped).unwrap_or(i64::MAX));
    if stopped < STOPPED_MAX { count } else { Cell::text(format!("{} or more", count.text)) }
}

/// `3.5 days`.
fn took_text(ms: i64) -> String {
    let units =
        [(DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes"), (SECOND_MS, "seconds")];
    match units.iter().find(|(unit, _)| ms >= 2 * unit) {
        Some((unit, name)) => {
            let tenths = ms * 10 / unit;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => "at once".to_owned(),
    }
}

/// The contacts who came to a step and no further, the newest first.
async fn stopped(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
    (period, mut query): (&Period, Vec<(&'static str, String)>),
    (named, steps, at): (&Choices, &[Step], usize),
    answered: &Answered,
) -> Reply {
    let list = answered.stopped.get(at).ok_or(crate::error::WebError::NotFound)?;
    let before: ContactId = asked.before.parse().unwrap_or(ContactId(i64::MAX));
    let most = if asked.format == "csv" { STOPPED_MAX } else { PAGE };
    let shown: Vec<ContactId> =
        list.iter().filter(|id| **id < before).take(most).copied().collect();
    let site = who.site.id;
    let (last, is_full) = (shown.last().copied(), shown.len() == PAGE);
    let contacts = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut contacts = Vec::new();
                for id in shown {
                    contacts.extend(store::contacts::find(session, site, id).await?);
                }
                Ok(contacts)
            })
        })
        .await?;
    let step = steps.get(at).map(|step| named.name(step)).unwrap_or_default();
    let next = steps.get(at + 1).map(|step| named.name(step));
    let lead = match next {
        Some(next) => format!("{step}, and not: {next}. {}.", days_text(period.span)),
        None => format!("{step}. {}.", days_text(period.span)),
    };
    let mut report = Report::new(who.frame("steps"), "Who came so far", &lead);
    report.back.push(Crumb { href: link(PATH, &query), label: "Steps".to_owned() });
    query.push(("left", at.to_string()));
    if list.len() == STOPPED_MAX {
        let text = format!("The newest {STOPPED_MAX} are listed.");
        report.notes.push(Note::info(text));
    }
    if let Some(last) = last.filter(|_| is_full) {
        let mut on = query.clone();
        on.push(("before", last.to_string()));
        report.pager = Pager { next: Some(link(PATH, &on)), ..Pager::default() };
    }
    report.sheets.push(people(&contacts, period));
    report.answer(PATH, asked, &query)
}

fn people(contacts: &[Contact], period: &Period) -> Sheet {
    let row = |contact: &Contact| {
        let name = if contact.email.is_empty() { "erased" } else { &contact.email };
        vec![
            Cell::text(name).to(format!("/admin/contacts/{}", contact.id)),
            Cell::text(contact.status.to_string()),
            Cell::text(period.when(contact.created_at)),
        ]
    };
    Sheet {
        title: "Contacts".to_owned(),
        formula: Some(
            "contacts who took this step and not the next within the time, the newest first"
                .to_owned(),
        ),
        columns: columns(&["Contact", "Newsletter", "Since"]),
        rows: contacts.iter().map(row).collect(),
        empty: "No contact stopped here.".to_owned(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_is_told_as_such() {
        assert_eq!(contacts_cell(9_999).text, "9,999");
        assert_eq!(contacts_cell(STOPPED_MAX).text, "10,000 or more");
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        for (ms, text) in [
            (900, "at once"),
            (2_500, "2.5 seconds"),
            (90_000, "90.0 seconds"),
            (150_000, "2.5 minutes"),
            (3 * HOUR_MS, "3.0 hours"),
            (10 * DAY_MS, "10.0 days"),
        ] {
            assert_eq!(took_text(ms), text);
        }
    }
}
