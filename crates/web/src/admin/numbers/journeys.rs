//! What the pages of roads and attribution have in common: which journeys are asked for, how they
//! are read, and how paths are told to people.

use std::collections::BTreeMap;

use engine::EngineError;
use engine::rollups::{Roads, roads_of_segment};
use model::ids::{ProductId, SegmentId};
use model::roads;
use numbers::journeys::{Journeys, Outcomes};
use numbers::real::real_signed;
use store::road_sums::{Level, RoadSum, RoadsOf};
use store::segments::Segment;

use super::compare::Compared;
use super::narrow;
use super::report::{Empty, Note, Select};
use super::{Asked, Period, channel_name};
use crate::extract::operator::CurrentOperator;
use crate::state::AppState;

pub mod rows;

/// Journeys of the last so many days, where nobody asks for others.
pub(super) const DAYS: i64 = 90;
/// Spans at hand.
pub(super) const LENGTHS: [(&str, i64); 3] = [("30 days", 30), ("90 days", 90), ("12 months", 365)];
/// What every page says of what it counts.
pub(super) const RULE: &str = "a journey is every touch of a contact since the order before, up to \
    the payment; an order counts on the day it was paid, a journey without one on the day of its \
    last touch; revenue = paid without tax − given back";

/// Which journeys are asked for, and what came of them.
pub(super) struct Read {
    pub period: Period,
    pub level: Level,
    pub product: ProductId,
    pub segment: SegmentId,
    pub currency: String,
    /// By path, as stored.
    pub sums: BTreeMap<String, RoadSum>,
    /// Credits by time decay.
    pub decays: Vec<(String, String, i64, i64)>,
    pub products: Vec<(ProductId, String)>,
    pub segments: Vec<Segment>,
    /// Orders in other currencies, which are left out.
    pub foreign: i64,
    /// Whether journeys without an order are left out.
    pub only_ordered: bool,
}

/// The view of journeys to an order alone.
pub(super) const ORDERED: &str = "orders";

pub(super) fn level(asked: &Asked) -> Level {
    if asked.level == Level::Source.word() { Level::Source } else { Level::Channel }
}

/// Reads the sums of what is asked for.
pub(super) async fn read(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
) -> Result<Read, EngineError> {
    read_of(state, who, asked, Period::read(who, asked, DAYS)).await
}

/// The same of the days it is compared with, where it is.
pub(super) async fn read_before(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
) -> Result<Option<(Compared, Read)>, EngineError> {
    let period = Period::read(who, asked, DAYS);
    let Some(compared) = Compared::read(asked, &period) else { return Ok(None) };
    let read = read_of(state, who, asked, Period { span: compared.span, ..period }).await?;
    Ok(Some((compared, read)))
}

async fn read_of(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
    period: Period,
) -> Result<Read, EngineError> {
    let (site, span, level) = (who.site.id, period.span, level(asked));
    let product = narrow::product_in(&asked.product);
    let segment = narrow::segment_in(&asked.segment);
    let (currency, money) = (who.site.currency.clone(), who.site.currency.clone());
    let (roads, products, segments) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = RoadsOf { level, span, currency: &money, product };
                let roads = match segment.0 {
                    0 => Roads {
                        sums: store::road_sums::paths(session, site, of).await?,
                        decays: store::road_sums::decays(session, site, of).await?,
                        foreign: store::road_sums::foreign(session, site, of).await?,
                    },
                    _ => roads_of_segment(session, site, segment, of).await?,
                };
                let products = store::road_sums::products(session, site).await?;
                Ok((roads, products, store::segments::list(session, site).await?))
            })
        })
        .await?;
    let Roads { sums, decays, foreign } = roads;
    let only_ordered = product.0 != 0;
    Ok(Read {
        period,
        level,
        product,
        segment,
        currency,
        sums,
        decays,
        products,
        segments,
        foreign,
        only_ordered,
    })
}

impl Read {
    /// For links: what was asked for, as it is shown.
    pub fn query(&self, asked: &Asked) -> Vec<(&'static str, String)> {
        let mut query = self.period.query().to_vec();
        let more = [
            ("by", asked.by.clone()),
            ("level", asked.level.clone()),
            ("product", asked.product.clone()),
            ("segment", asked.segment.clone()),
            ("channel", asked.channel.clone()),
            Compared::kept(asked),
        ];
        query.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
        query
    }

    /// Leaves out the journeys without an order.
    pub fn leave_out_open(&mut self) {
        self.only_ordered = true;
        self.sums.values_mut().for_each(|sum| sum.nulls = 0);
        self.sums.retain(|_, sum| sum.orders != 0);
    }

    /// Whether what was spent can be held against these orders: no ad is of a product or a segment.
    pub fn is_of_all_orders(&self) -> bool {
        self.product.0 == 0 && self.segment.0 == 0
    }

    /// The sum of all paths.
    pub fn total(&self) -> RoadSum {
        let mut total = RoadSum::default();
        for sum in self.sums.values() {
            total.add(sum, 1);
        }
        total
    }

    /// Orders that no touch came before.
    pub fn untouched(&self) -> RoadSum {
        self.sums.get("").copied().unwrap_or_default()
    }

    /// The journeys with touches, as the maths takes them.
    pub fn journeys(&self) -> Journeys {
        let mut journeys = Journeys::default();
        let mut steps = Vec::new();
        for (path, sum) in self.sums.iter().filter(|(path, _)| !path.is_empty()) {
            steps.clear();
            steps.extend(roads::touches(path));
            let outcomes = Outcomes {
                conversions: real_signed(sum.orders.max(0)),
                value: real_signed(if sum.orders > 0 { sum.revenue_minor.max(0) } else { 0 }),
                nulls: real_signed(sum.nulls.max(0)),
            };
            if let Err(why) = journeys.add(&steps, outcomes) {
                tracing::error!(path, %why, "a path could not be counted; rebuild the rollups");
            }
        }
        journeys
    }

    /// What to know before reading on.
    pub fn notes(&self, state: &AppState, who: &CurrentOperator) -> Vec<Note> {
        let mut notes: Vec<Note> = self.period.wrong.clone().map(Note::warn).into_iter().collect();
        let total = self.total();
        if total.orders > 0 && total.orders < super::FEW {
            let text = format!(
                "Only {}: one more could change every share. Read them as anecdotes.",
                count_of(total.orders, "order")
            );
            notes.push(Note::warn(text));
        }
        if self.foreign > 0 {
            let text = format!(
                "{} in other currencies than {} left out.",
                count_of(self.foreign, "order"),
                self.currency
            );
            notes.push(Note::warn(text));
        }
        if self.sums.keys().any(|path| roads::is_shortened(path)) {
            let text = format!(
                "Of journeys of more than {} touches the first {} and the last {} are kept.",
                roads::TOUCHES_KEPT,
                roads::ENDS_KEPT,
                roads::ENDS_KEPT
            );
            notes.push(Note::info(text));
        }
        if self.product.0 != 0 {
            let text = "Journeys without an order are of no product: they are left out here.";
            notes.push(Note::info(text));
        }
        let now = state.engine.now();
        notes.extend(narrow::of_segment(who, &self.segments, self.segment, now));
        notes
    }

    /// Of what paths are made, and what was ordered.
    pub fn selects(&self, asked: &Asked) -> Vec<Select> {
        vec![
            Select {
                name: "level",
                label: "A touch is its",
                options: vec![
                    (String::new(), "Channel".to_owned()),
                    (Level::Source.word().to_owned(), "Channel and source".to_owned()),
                ],
                value: if self.level == Level::Source { "source" } else { "" }.to_owned(),
            },
            narrow::products("Ordered", &self.products, &asked.product),
            narrow::segments(&self.segments, &asked.segment),
        ]
    }
}

/// Where there is no journey at all.
pub(super) fn empty() -> Empty {
    Empty {
        title: "No journey ended in these days".to_owned(),
        text:
            "Each form, order and click in a mail is a touch. Tag the links in your ads and posts \
               (utm_source, utm_medium), or make short links for print, and their roads stand here."
                .to_owned(),
        action: ("/admin/sources".to_owned(), "See where people come from".to_owned()),
    }
}

/// `1 order`, `12 orders`.
pub(super) fn count_of(count: i64, one: &str) -> String {
    let text = super::sheet::Cell::count(count).text;
    if count == 1 { format!("{text} {one}") } else { format!("{text} {one}s") }
}

/// The name of a step for people: `Paid Social`, `Paid Social: facebook`.
pub(crate) fn step_name(step: &str) -> String {
    let (channel, source) = roads::parts(step);
    match (channel, source) {
        (roads::LEFT_OUT, _) => roads::LEFT_OUT.to_owned(),
        (channel, "") => channel_name(channel),
        (channel, source) => format!("{}: {source}", channel_name(channel)),
    }
}

/// A path for people; touches of one kind that follow one another are told once, with their count.
pub(super) fn path_name(path: &str) -> String {
    let mut told: Vec<(&str, usize)> = Vec::new();
    for step in roads::steps(path) {
        match told.last_mut() {
            Some((last, times)) if *last == step => *times = times.saturating_add(1),
            _ => told.push((step, 1)),
        }
    }
    if told.is_empty() {
        return "No touch before it".to_owned();
    }
    let name = |(step, times): (&str, usize)| match times {
        1 => step_name(step),
        times => format!("{} ×{times}", step_name(step)),
    };
    told.into_iter().map(name).collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_once_for_each_stretch_of_one_channel() {
        assert_eq!(
            path_name(">paid_social:facebook>email>email>email>direct>"),
            "Paid Social: facebook → Email ×3 → Direct"
        );
        assert_eq!(path_name(">email>…>direct>"), "Email → … → Direct");
        assert_eq!(path_name(""), "No touch before it");
    }
}
