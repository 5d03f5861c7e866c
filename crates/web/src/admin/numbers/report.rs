//! A page of figures: its days, its pictures, its tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::compare::Delta;
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, days_text, link};
use crate::frame::{Crumb, Frame, Pager};
use crate::reply::{self, Reply};

/// A page of figures.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What stands around it.
    pub frame: Frame,
    /// Its heading.
    pub title: String,
    /// What it answers, in a sentence.
    pub lead: String,
    /// The way back, for pages of rows.
    pub back: Vec<Crumb>,
    /// What can be done with what is shown: address and words.
    pub action: Option<(String, String)>,
    /// Where what is shown is counted again, if that is done beside the page.
    pub again: Option<String>,
    /// Seconds after which the page asks for itself again, where its figures are being counted.
    pub reload: Option<u32>,
    /// Views of it.
    pub tabs: Vec<Tab>,
    /// Which of them this is.
    pub tab: String,
    /// What is asked for.
    pub filter: Option<Filter>,
    /// What can be tried out.
    pub tries: Option<Tries>,
    /// What to know before reading on.
    pub notes: Vec<Note>,
    /// The figures first looked at.
    pub tiles: Vec<Tile>,
    /// How they differ from what they are compared with, by their labels.
    pub deltas: BTreeMap<String, Delta>,
    /// Pictures.
    pub figures: Vec<Picture>,
    /// Tables.
    pub sheets: Vec<Sheet>,
    /// Where there is nothing to show at all.
    pub empty: Option<Empty>,
    /// Where a list goes on.
    pub pager: Pager,
}

/// A view.
#[derive(Debug, Clone, Serialize)]
pub struct Tab {
    /// Its word.
    pub key: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Where it is.
    pub href: String,
}

/// The form above the figures.
#[derive(Debug, Clone, Serialize)]
pub struct Filter {
    /// Where it leads.
    pub action: String,
    /// First day, ISO.
    pub from: String,
    /// Last day, ISO.
    pub to: String,
    /// The days in words.
    pub text: String,
    /// Further choices.
    pub selects: Vec<Select>,
    /// What else stays as it is.
    pub kept: Vec<(&'static str, String)>,
    /// Spans at hand.
    pub presets: Vec<Preset>,
}

/// A form of figures to try out in the place of measured ones.
#[derive(Debug, Clone, Serialize)]
pub struct Tries {
    /// Where it leads.
    pub action: String,
    /// What stays as it is.
    pub kept: Vec<(&'static str, String)>,
    /// The figures.
    pub fields: Vec<TryField>,
    /// The way back to the measured ones, where anything is tried.
    pub reset: Option<String>,
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct TryField {
    /// Its field.
    pub name: &'static str,
    /// What people read.
    pub label: String,
    /// What stands behind it: a currency, `%`.
    pub suffix: String,
    /// As it is shown.
    pub value: String,
    /// As it was measured.
    pub measured: String,
}

/// A choice.
#[derive(Debug, Clone, Serialize)]
pub struct Select {
    /// Its field.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Value and label.
    pub options: Vec<(String, String)>,
    /// What is chosen.
    pub value: String,
}

/// A span at hand.
#[derive(Debug, Clone, Serialize)]
pub struct Preset {
    /// What people read.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether it is shown now.
    pub current: bool,
}

/// Something to know.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    /// good, warn, bad, info or plain.
    pub tone: &'static str,
    /// One sentence or two.
    pub text: String,
}

/// A figure first looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// Its rows.
    pub href: Option<String>,
    /// How it is made, or what to compare it with.
    pub note: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// What to see in it.
    pub note: Option<String>,
    /// The drawing.
    pub svg: String,
    /// How it is made.
    pub formula: Option<String>,
}

/// Nothing to show.
#[derive(Debug, Clone, Serialize)]
pub struct Empty {
    /// A heading.
    pub title: String,
    /// One sentence.
    pub text: String,
    /// Where to begin: address and words.
    pub action: (String, String),
}

impl Note {
    /// Worth knowing.
    pub fn info(text: impl Into<String>) -> Self {
        Self { tone: "info", text: text.into() }
    }

    /// Needs a look.
    pub fn warn(text: impl Into<String>) -> Self {
        Self { tone: "warn", text: text.into() }
    }
}

impl Filter {
    /// Choices without days.
    pub fn choices(action: &str, selects: Vec<Select>) -> Self {
        Self {
            action: action.to_owned(),
            from: String::new(),
            to: String::new(),
            text: String::new(),
            presets: Vec::new(),
            kept: Vec::new(),
            selects,
        }
    }
}

impl Report {
    /// An empty page.
    pub fn new(frame: Frame, title: &str, lead: &str) -> Self {
        Self {
            frame,
            title: title.to_owned(),
            lead: lead.to_owned(),
            back: Vec::new(),
            action: None,
            again: None,
            reload: None,
            tabs: Vec::new(),
            tab: String::new(),
            filter: None,
            tries: None,
            notes: Vec::new(),
            tiles: Vec::new(),
            deltas: BTreeMap::new(),
            figures: Vec::new(),
            sheets: Vec::new(),
            empty: None,
            pager: Pager::default(),
        }
    }

    /// The page, or one of its tables as a file.
    pub fn answer(mut self, path: &str, asked: &Asked, query: &[(&str, String)]) -> Reply {
        let nth = usize::try_from(asked.sheet).unwrap_or(0);
        if asked.format == "csv"
            && let Some(sheet) = self.sheets.get(nth)
        {
            let last = path.rsplit('/').next().unwrap_or("figures");
            return Ok(sheet.file(&format!("{last}-{nth}")));
        }
        for (at, sheet) in self.sheets.iter_mut().enumerate().filter(|(_, s)| !s.rows.is_empty()) {
            let mut query = query.to_vec();
            query.push(("format", "csv".to_owned()));
            query.push(("sheet", at.to_string()));
            sheet.csv = Some(link(path, &query));
        }
        reply::page("admin/numbers/report.html", self)
    }

    pub(crate) fn sample() -> Self {
        let mut report = Self::new(Frame::sample("stages"), "Stages", "How far people came.");
        report.back.push(Crumb { href: "/admin".to_owned(), label: "Numbers".to_owned() });
        report.action = Some(("/admin".to_owned(), "Keep as a segment".to_owned()));
        report.tabs.push(Tab { key: "mail", label: "By mail", href: "/admin".to_owned() });
        report.tab = "mail".to_owned();
        report.filter = Some(Filter {
            action: "/admin/numbers/stages".to_owned(),
            from: "2026-10-23".to_owned(),
            to: "2026-11-21".to_owned(),
            text: "23 Oct – 21 Nov 2026".to_owned(),
            selects: vec![Select {
                name: "channel",
                label: "Source",
                options: vec![(String::new(), "Any".to_owned())],
                value: String::new(),
            }],
            kept: vec![("by", "mail".to_owned())],
            presets: vec![Preset {
                label: "30 days".to_owned(),
                href: "/admin".to_owned(),
                current: true,
            }],
        });
        report.tries = Some(Tries {
            action: "/admin/numbers/simulator".to_owned(),
            kept: vec![("from", "2026-10-23".to_owned())],
            fields: vec![TryField {
                name: "price",
                label: "First order brings".to_owned(),
                suffix: "EUR".to_owned(),
                value: "29.00".to_owned(),
                measured: "19.00".to_owned(),
            }],
            reset: Some("/admin/numbers/simulator".to_owned()),
        });
        report.notes.push(Note::warn("Only 4 customers."));
        report.tiles.push(Tile {
            label: "CAC".to_owned(),
            value: "€25.00".to_owned(),
            href: Some("/admin".to_owned()),
            note: Some("spend / customers".to_owned()),
        });
        let delta = Delta { text: "\u{25b2} up €5.00 from €20.00".to_owned(), tone: "bad" };
        report.deltas.insert("CAC".to_owned(), delta);
        report.figures.push(Picture {
            title: "Payback".to_owned(),
            note: None,
            svg: String::new(),
            formula: Some("margin − CAC".to_owned()),
        });
        report.sheets.push(Sheet {
            title: "Stages".to_owned(),
            note: Some("First reached in these days.".to_owned()),
            formula: Some("share = stage / stage before".to_owned()),
            csv: Some("/admin".to_owned()),
            columns: columns(&["Stage", "#Count"]),
            rows: vec![vec![
                Cell::text("Lead").note("left an address"),
                Cell::count(1_204).to("/admin".to_owned()).tone("bad"),
            ]],
            empty: "Nothing yet.".to_owned(),
        });
        report.sheets.push(Sheet { empty: "Nothing yet.".to_owned(), ..Sheet::default() });
        report.empty = Some(Empty {
            title: "No orders yet".to_owned(),
            text: "They stand here.".to_owned(),
            action: ("/admin".to_owned(), "Make a page".to_owned()),
        });
        report
    }
}

/// The form above a page, with spans at hand; what `query` holds stays as it is.
pub(crate) fn filter(
    action: &str,
    period: &Period,
    lengths: &[(&str, i64)],
    query: &[(&'static str, String)],
    selects: Vec<Select>,
) -> Filter {
    let kept: Vec<(&'static str, String)> = query
        .iter()
        .filter(|(name, _)| *name != "from" && *name != "to")
        .filter(|(name, value)| !value.is_empty() && selects.iter().all(|s| s.name != *name))
        .cloned()
        .collect();
    let preset = |(label, days): &(&str, i64)| {
        let span = model::spans::Span::ending(period.today, *days);
        let others = query.iter().filter(|(name, _)| *name != "from" && *name != "to");
        let mut all = vec![("from", span.from.to_string()), ("to", span.to.to_string())];
        all.extend(others.filter(|(_, value)| !value.is_empty()).cloned());
        Preset {
            label: (*label).to_owned(),
            href: link(action, &all),
            current: span == period.span,
        }
    };
    Filter {
        action: action.to_owned(),
        from: period.span.from.to_string(),
        to: period.span.to.to_string(),
        text: days_text(period.span),
        presets: lengths.iter().map(preset).collect(),
        selects,
        kept,
    }
}

/// The usual spans at hand.
pub(crate) const LENGTHS: [(&str, i64); 4] =
    [("7 days", 7), ("30 days", 30), ("90 days", 90), ("12 months", 365)];
