//! Stages by month: added up from days that are all rolled up, and taken away with any of them.

use model::SiteId;
use model::spans::{Span, month_named, month_of, month_start, moved};
use store::stages::StageCount;
use store::{Session, StoreError};

use super::Drift;
use super::compared::differences;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The whole months of a span.
fn whole(span: Span) -> Vec<Span> {
    let mut months = Vec::new();
    let mut from = match span.from == month_start(span.from, 0) {
        true => span.from,
        false => month_start(span.from, 1),
    };
    loop {
        let month = Span { from, to: moved(month_start(from, 1), -1) };
        if month.to > span.to || month.to < month.from {
            return months;
        }
        months.push(month);
        from = moved(month.to, 1);
    }
}

/// The months of a span that are over and not added up.
pub(super) async fn due(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
) -> std::result::Result<Vec<Span>, StoreError> {
    let mut months = whole(span);
    if let (Some(first), Some(last)) = (months.first(), months.last()) {
        let (from, to) = (month_of(first.from), month_of(last.from));
        let known = store::stages::months(session, site, &from, &to).await?;
        months.retain(|month| !known.contains(&month_of(month.from)));
    }
    Ok(months)
}

/// Adds up the months of a span that are due; how many.
pub(super) async fn add_up(engine: &Engine, site: SiteId, span: Span) -> Result<usize> {
    let months = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(due(session, site, span).await?) })
        })
        .await?;
    let mut done = 0;
    for month in months {
        let is_made = engine
            .write(move |tx| {
                Box::pin(async move { Ok(store::stages::put_month(tx, site, month).await?) })
            })
            .await?;
        done += usize::from(is_made);
    }
    Ok(done)
}

/// Where a month is not what its days come to.
pub(super) async fn compare(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
) -> std::result::Result<Vec<Drift>, StoreError> {
    let mut drifts = Vec::new();
    let (from, to) = (month_of(span.from), month_of(span.to));
    for name in store::stages::months(session, site, &from, &to).await? {
        let Some(first) = month_named(&name) else { continue };
        let last = moved(month_start(first, 1), -1);
        let (from, to) = (first.to_string(), last.to_string());
        let mut days: Vec<StageCount> = Vec::new();
        for stage in store::stages::STAGES {
            days.extend(store::stages::rolled(session, site, (&from, &to), stage).await?);
        }
        let kept = store::stages::of_month(session, site, &name).await?;
        drifts.extend(differences(&name, &kept, &days));
    }
    Ok(drifts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn only_months_that_lie_wholly_inside_are_added_up() {
        let of = |from, to| whole(Span { from, to }).into_iter().map(|m| month_of(m.from));
        let months: Vec<String> = of(date(2026, 1, 2), date(2026, 3, 31)).collect();
        assert_eq!(months, ["2026-02", "2026-03"]);
        assert_eq!(of(date(2026, 1, 1), date(2026, 1, 30)).count(), 0);
        assert_eq!(of(date(9999, 11, 1), date(9999, 12, 31)).count(), 1);
    }
}
