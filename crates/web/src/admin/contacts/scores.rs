//! The score of a contact, taken apart: which deed gave how many points, then and now.

use engine::EngineError;
use engine::learned::HORIZON_DAYS;
use engine::scores::Explained;
use model::UtcMs;
use model::ids::ContactId;
use model::sites::Site;
use numbers::scores::Explanation;
use serde::Serialize;
use store::Session;

use super::timeline::Line;
use crate::admin::scores::{numbers_of, points_text, what};

/// The tab of the score.
#[derive(Debug, Serialize)]
pub struct ScoreTab {
    total: String,
    /// Whether any rule is there but gives this contact nothing.
    is_empty: bool,
    groups: Vec<(String, String)>,
    parts: Vec<PartView>,
    /// How likely they are to buy, as learned from others.
    chance: Option<ChanceView>,
    /// Whether there is any rule.
    has_rules: bool,
    /// What lists are sorted by, and as of when.
    kept: Option<(String, UtcMs)>,
}

/// A chance taken apart.
#[derive(Debug, Serialize)]
struct ChanceView {
    chance: f64,
    average: f64,
    days: i64,
    /// The fact, its value, and what it does to the odds.
    lines: Vec<(String, String, String)>,
}

impl ChanceView {
    fn of(explained: Explanation) -> Self {
        let lines = explained.lines.iter().map(|line| {
            let odds = format!("× {:.2}", line.adds.exp());
            (line.field.clone(), line.value.clone(), odds)
        });
        Self {
            chance: explained.probability,
            average: 1.0 / (1.0 + (-explained.average).exp()),
            days: HORIZON_DAYS,
            lines: lines.collect(),
        }
    }
}

/// One rule.
#[derive(Debug, Serialize)]
struct PartView {
    id: String,
    name: String,
    topic: String,
    points: String,
    /// What its cap took away.
    capped: Option<String>,
    lines: Vec<LineView>,
}

/// One deed.
#[derive(Debug, Serialize)]
struct LineView {
    at: UtcMs,
    text: String,
    href: Option<String>,
    then: String,
    now: Option<String>,
}

impl ScoreTab {
    pub(super) fn sample() -> Self {
        let at = UtcMs(1_795_200_000_000);
        let line = LineView {
            at,
            text: "Clicked a link".to_owned(),
            href: Some("#".to_owned()),
            then: "+5".to_owned(),
            now: Some("2.5".to_owned()),
        };
        let part = PartView {
            id: "scr_0000000000001".to_owned(),
            name: "Clicked in a mail".to_owned(),
            topic: "interest".to_owned(),
            points: "2.5".to_owned(),
            capped: Some("5".to_owned()),
            lines: vec![line],
        };
        Self {
            total: "2.5".to_owned(),
            is_empty: false,
            groups: vec![("interest".to_owned(), "2.5".to_owned())],
            parts: vec![part],
            chance: Some(ChanceView {
                chance: 0.34,
                average: 0.12,
                days: HORIZON_DAYS,
                lines: vec![("clicks".to_owned(), "3".to_owned(), "× 1.96".to_owned())],
            }),
            has_rules: true,
            kept: Some(("3".to_owned(), at)),
        }
    }

    /// The score of a contact now; nothing where the site has no rule.
    pub(super) async fn of(
        session: &mut Session<'_>,
        site: &Site,
        contact: ContactId,
        now: UtcMs,
    ) -> Result<Option<Self>, EngineError> {
        let has_rules = !store::scores::rules(session, site.id).await?.is_empty();
        let chance = engine::learned::explain(session, site.id, contact, now).await?;
        if !has_rules && chance.is_none() {
            return Ok(None);
        }
        let explained = engine::scores::explain(session, site.id, contact, now).await?;
        let kept = store::scores::find(session, site.id, contact).await?;
        let kept = kept.map(|kept| (points_text(kept.points, false), kept.as_of));
        let chance = chance.map(ChanceView::of);
        Ok(Some(Self { chance, has_rules, ..Self::from(explained, kept) }))
    }

    fn from(explained: Explained, kept: Option<(String, UtcMs)>) -> Self {
        let parts: Vec<PartView> = explained.parts.into_iter().map(PartView::of).collect();
        let group = |(name, points): (String, f64)| (name, points_text(points, false));
        Self {
            total: points_text(explained.points, false),
            is_empty: parts.is_empty(),
            groups: explained.groups.into_iter().map(group).collect(),
            parts,
            chance: None,
            has_rules: true,
            kept,
        }
    }

    /// The score in short; the chance where there are no rules.
    pub(super) fn points(&self) -> String {
        match &self.chance {
            Some(view) if !self.has_rules => format!("{:.0} % chance", view.chance * 100.0),
            _ => self.total.clone(),
        }
    }
}

impl PartView {
    fn of(part: engine::scores::Part) -> Self {
        let about = what(&part.rule);
        let cut = part.uncapped - part.points;
        let lines = part.lines.into_iter().map(|line| {
            let (text, href) = match &line.event {
                Some(event) => Line::of(event).told(),
                None => (about.clone(), None),
            };
            LineView {
                at: line.at,
                text,
                href,
                then: points_text(numbers_of(line.then), true),
                now: line.now.map(|now| points_text(now, true)),
            }
        });
        Self {
            id: part.rule.id.to_string(),
            lines: lines.collect(),
            name: part.rule.name,
            topic: part.rule.topic,
            points: points_text(part.points, true),
            capped: (cut.abs() >= 0.05).then(|| points_text(cut.abs(), false)),
        }
    }
}
