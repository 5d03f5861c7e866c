//! The rows behind the figures: orders, what they hold of an offer, mails, clicks on a link.

use axum::response::IntoResponse;
use engine::EngineError;
use futures_util::stream;

use super::sheet::{Sheet, file_headers};
use super::{Asked, Period, link, way_back};
use crate::frame::{Crumb, Pager};
use crate::reply::{self, Reply};

pub mod clicks;
pub mod mails;
pub mod offered;
pub mod orders;
pub mod spent;

/// Rows on a page.
pub(super) const PAGE: i64 = 100;
/// Rows of a file that are in memory at once: who sums a file must find the figure it was opened
/// from, so it holds all there are, however many.
pub(super) const FILE_PAGE: i64 = 5_000;

/// A stretch of a list.
pub(super) struct Stretch {
    pub sheet: Sheet,
    /// Where the list goes on, where it does.
    next: Option<String>,
}

impl Stretch {
    /// `rows` as a table; the list goes on where there are as many of them as were asked for.
    pub fn of<T>(
        rows: &[T],
        limit: i64,
        key: impl Fn(&T) -> String,
        sheet: impl FnOnce(&[T]) -> Sheet,
    ) -> Self {
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
        Self { next: rows.last().filter(|_| full).map(key), sheet: sheet(rows) }
    }

    /// The way to what follows.
    pub fn pager(&self, path: &str, query: &[(&'static str, String)]) -> Pager {
        let next = self.next.clone().map(|next| {
            let mut on = query.to_vec();
            on.push(("before", next));
            link(path, &on)
        });
        Pager { next, ..Pager::default() }
    }
}

/// A file of a whole list, read and sent one stretch after another. Where one cannot be read the
/// connection breaks: a file that only seems whole would be worse.
pub(super) async fn file<F, Fut>(name: &str, asked: Asked, read: F) -> Reply
where
    F: Fn(Asked) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Stretch, EngineError>> + Send + 'static,
{
    let first = read(asked.clone()).await?;
    let begin = format!("{}{}", first.sheet.head(), first.sheet.lines());
    let rest = stream::unfold((read, asked, first.next), async |(read, asked, next)| {
        let asked = Asked { before: next?, ..asked };
        let (lines, next) = match read(asked.clone()).await {
            Ok(stretch) => (Ok(stretch.sheet.lines()), stretch.next),
            Err(why) => {
                tracing::error!(%why, "a file of rows was broken off");
                (Err(std::io::Error::other("the rows could not be read")), None)
            }
        };
        Some((lines, (read, asked, next)))
    });
    let first = stream::once(async { Ok::<String, std::io::Error>(begin) });
    let body = reply::streamed(stream::StreamExt::chain(first, rest));
    Ok((file_headers(name), body).into_response())
}

/// Everything that was asked for, but where the list goes on.
fn kept(period: &Period, asked: &Asked) -> Vec<(&'static str, String)> {
    let mut query = period.query().to_vec();
    let number = |n: i64| if n == 0 { String::new() } else { n.to_string() };
    let all = [
        ("won", asked.won.clone()),
        ("days", number(asked.days)),
        ("channel", asked.channel.clone()),
        ("origin", asked.origin.clone()),
        ("product", asked.product.clone()),
        ("currency", asked.currency.clone()),
        ("cohort", asked.cohort.clone()),
        ("segment", asked.segment.clone()),
        ("kind", asked.kind.clone()),
        ("of", number(asked.of)),
        ("template", number(asked.template)),
        ("clicked", asked.clicked.clone()),
        ("version", number(asked.version)),
        ("position", number(asked.position)),
        ("offer", asked.offer.clone()),
        ("place", asked.place.clone()),
        ("nth", number(asked.nth)),
        ("level", asked.level.clone()),
        ("step", asked.step.clone()),
        ("back", asked.back.clone()),
    ];
    query.extend(all.into_iter().filter(|(_, value)| !value.is_empty()));
    let optional = [("source", &asked.source), ("landing", &asked.landing)];
    query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query
}

/// The way back to the page of the figures; to the revenue of these days where none is named.
fn back(period: &Period, asked: &Asked) -> Crumb {
    let mut query = period.query().to_vec();
    let kept = [("channel", &asked.channel), ("product", &asked.product)];
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(kept.map(|(name, value)| (name, value.clone())));
    let revenue = link("/admin/numbers/revenue", &query);
    way_back(asked, Crumb { href: revenue, label: "Revenue".to_owned() })
}
