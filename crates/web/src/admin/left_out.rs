//! `/admin/sources/left-out`: page views that were not counted because no person made them, by why
//! and by day.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use engine::EngineError;
use model::bots::LeftOut;
use model::spans::{Span, day_of};
use model::times::DAY_MS;
use serde::Serialize;
use store::left_out::LeftOutDay;

use crate::admin::sources::Looking;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// What was left out.
#[derive(Debug, Serialize)]
pub struct LeftOutPage {
    frame: Frame,
    days: i64,
    total: i64,
    counted: i64,
    reasons: Vec<ReasonRow>,
    /// Newest first: the day, and how many by each of `reasons`.
    rows: Vec<DayRow>,
}

/// One reason.
#[derive(Debug, Serialize)]
pub struct ReasonRow {
    name: &'static str,
    why: &'static str,
    views: i64,
}

/// One day.
#[derive(Debug, Serialize)]
pub struct DayRow {
    day: String,
    views: Vec<i64>,
    total: i64,
}

impl LeftOutPage {
    pub(crate) fn sample() -> Self {
        let days = vec![
            LeftOutDay { day: "2026-11-21".to_owned(), reason: "agent".to_owned(), views: 310 },
            LeftOutDay { day: "2026-11-21".to_owned(), reason: "headers".to_owned(), views: 121 },
            LeftOutDay { day: "2026-11-22".to_owned(), reason: "agent".to_owned(), views: 84 },
        ];
        Self::of(Frame::sample("sources"), 30, 1_204, &days)
    }

    fn of(frame: Frame, days: i64, counted: i64, found: &[LeftOutDay]) -> Self {
        let of = |reason: LeftOut, day: Option<&str>| -> i64 {
            let same = |row: &&LeftOutDay| {
                row.reason == reason.as_str() && day.is_none_or(|day| row.day == day)
            };
            found.iter().filter(same).map(|row| row.views).sum()
        };
        let mut by_day: BTreeMap<&str, i64> = BTreeMap::new();
        for row in found {
            *by_day.entry(&row.day).or_default() += row.views;
        }
        let row = |(day, total): (&str, i64)| DayRow {
            day: day.to_owned(),
            views: LeftOut::ALL.iter().map(|reason| of(*reason, Some(day))).collect(),
            total,
        };
        let reason = |reason: LeftOut| ReasonRow {
            name: reason.name(),
            why: reason.why(),
            views: of(reason, None),
        };
        Self {
            frame,
            days,
            counted,
            total: found.iter().map(|row| row.views).sum(),
            reasons: LeftOut::ALL.into_iter().map(reason).collect(),
            rows: by_day.into_iter().rev().map(row).collect(),
        }
    }
}

/// What was left out in a span.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(looking): Query<Looking>,
) -> Reply {
    let days = looking.days();
    let (counted, found) = within(&state, &who, days).await?;
    let page = LeftOutPage::of(who.frame("sources"), days, counted, &found);
    reply::page("admin/sources/left_out.html", page)
}

/// The views that were counted in the last `days`, and those that were not.
pub(crate) async fn within(
    state: &AppState,
    who: &CurrentOperator,
    days: i64,
) -> Result<(i64, Vec<LeftOutDay>), WebError> {
    let zone = model::Zone::parse(&who.site.timezone).unwrap_or_else(|_| model::Zone::utc());
    let site = who.site.id;
    let span = Span {
        from: day_of(who.now.plus_ms(-(days - 1) * DAY_MS), &zone),
        to: day_of(who.now, &zone),
    };
    let found = state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let views = store::views::by_source(session, site, span).await?;
                let (from, to) = (span.from.to_string(), span.to.to_string());
                let left_out = store::left_out::within(session, site, &from, &to).await?;
                Ok((views.iter().map(|(_, seen)| seen.views).sum(), left_out))
            })
        })
        .await?;
    Ok(found)
}
