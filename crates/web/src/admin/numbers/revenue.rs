//! `/admin/numbers/revenue`: what each mail, step, link, page and offer brought.

use axum::extract::{Query, State};
use model::spans::DEFAULT_DAYS;
use numbers::real::real_signed;

use super::compare::Compared;
use super::narrow::{self, Narrow};
use super::report::{LENGTHS, Note, Picture, Report, Tab, filter};
use super::sheet::Cell;
use super::{Asked, Period};
use crate::charts::{self, Rank, RankItem, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

mod mails;
mod offers;
mod pages;
mod totals;

const PATH: &str = "/admin/numbers/revenue";
/// Bars of the picture.
const BARS: usize = 8;
/// The rule, printed beside every figure it makes.
const CREDIT: &str = "an order counts for the mail with the contact's last human click within \
                      7 days before it was paid; revenue = paid without tax − given back";

/// What is looked at.
pub(super) struct View<'a> {
    state: &'a AppState,
    who: &'a CurrentOperator,
    period: Period,
    compared: Option<Compared>,
    narrow: Narrow,
    /// The way back to this page.
    home: (&'static str, String),
}

impl View<'_> {
    fn orders_at(&self, more: &[(&'static str, String)]) -> String {
        self.rows(&self.period, more)
    }

    /// The same of other days than the page's.
    fn rows(&self, period: &Period, more: &[(&'static str, String)]) -> String {
        self.narrow.orders_at(period, &[more, std::slice::from_ref(&self.home)].concat())
    }

    /// The period, but with the days it is compared with.
    fn earlier(&self) -> Option<Period> {
        self.compared.map(|compared| Period { span: compared.span, ..self.period.clone() })
    }
}

/// What brought the orders of a period.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let by = match asked.by.as_str() {
        by @ ("step" | "link" | "page" | "offer") => by,
        _ => "mail",
    };
    let mut view = View {
        state: &state,
        who: &who,
        compared: Compared::read(&asked, &period),
        narrow: Narrow::read(&who, &asked),
        period,
        home: super::home(PATH, &[]),
    };
    let mut query = view.period.query().to_vec();
    query.push(("by", by.to_owned()));
    query.extend(view.narrow.kept());
    query.push(Compared::kept(&asked));
    view.home = super::home(PATH, &query);
    let mut report = Report::new(
        who.frame("revenue"),
        "Revenue",
        "What each mail, step, link, page and offer brought, and the orders behind every figure.",
    );
    report.tabs = tabs(&query);
    report.tab = by.to_owned();
    report.notes.extend(view.period.wrong.clone().map(Note::warn));
    let totals = totals::read(&view).await?;
    let over_time = totals.show(&mut report, &view);
    let selects = vec![
        view.narrow.channels(),
        view.narrow.products(&totals.products),
        narrow::segments(&totals.segments, &asked.segment),
        Compared::select(&asked),
    ];
    report.filter = Some(filter(PATH, &view.period, &LENGTHS, &query, selects));
    match by {
        "page" => pages::fill(&mut report, &view).await?,
        "offer" => offers::fill(&mut report, &view).await?,
        "link" => mails::links(&mut report, &view, &asked).await?,
        "step" => mails::steps(&mut report, &view).await?,
        _ => mails::fill(&mut report, &view).await?,
    }
    report.sheets.extend(over_time);
    let segment = view.narrow.segment();
    let now = state.engine.now();
    report.notes.extend(narrow::of_segment(&who, &totals.segments, segment, now));
    report.answer(PATH, &asked, &query)
}

fn tabs(query: &[(&'static str, String)]) -> Vec<Tab> {
    let tab = |key: &'static str, label| {
        let kept = query.iter().filter(|(name, value)| *name != "by" && !value.is_empty());
        let mut all: Vec<(&str, String)> = kept.cloned().collect();
        all.push(("by", key.to_owned()));
        Tab { key, label, href: super::link(PATH, &all) }
    };
    vec![
        tab("mail", "By mail"),
        tab("step", "By step"),
        tab("link", "By link"),
        tab("page", "By page"),
        tab("offer", "By offer"),
    ]
}

/// Bars of what brought most.
fn picture(
    title: &str,
    bars: Vec<(String, i64)>,
    currency: &str,
    formula: &str,
) -> Option<Picture> {
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
        formula: Some(formula.to_owned()),
    })
}

/// The revenue of the earlier days beside that of these, where they are compared.
fn before_cell(
    view: &View<'_>,
    minor: Option<i64>,
    more: &[(&'static str, String)],
) -> Option<Cell> {
    let earlier = view.earlier()?;
    let minor = minor.unwrap_or(0);
    Some(Cell::money(minor, view.narrow.currency()).to(view.rows(&earlier, more)))
}
