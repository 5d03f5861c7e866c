//! Figures beside those of other days: the days before, or the same days a year before.

use model::spans::Span;
use numbers::real::{ratio, real_signed};
use serde::Serialize;

use super::report::Select;
use super::sheet::rounded;
use super::{Asked, FEW, Period, days_text};

/// The field of the filter form.
const FIELD: &str = "compare";
/// As many days just before.
const BEFORE: &str = "before";
/// The same days a year before.
const YEAR: &str = "year";

/// With which days a page is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Those days.
    pub span: Span,
    by_year: bool,
}

/// Which way is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Good {
    /// More of it: orders, margin.
    More,
    /// Less of it: what a customer costs.
    Less,
    /// Neither by itself: spend.
    Neither,
}

/// How a figure differs from an earlier one: arrow and words; the colour only repeats them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delta {
    /// `▲ up $12.00 (10%) from $120.00`.
    pub text: String,
    /// good, bad or plain.
    pub tone: &'static str,
}

impl Compared {
    /// What is asked for; nothing where no comparison is.
    pub fn read(asked: &Asked, period: &Period) -> Option<Self> {
        Self::of(asked, period.span)
    }

    /// The same for other days than those of the form.
    pub fn of(asked: &Asked, span: Span) -> Option<Self> {
        match asked.compare.as_str() {
            BEFORE => Some(Self { span: span.before(), by_year: false }),
            YEAR => Some(Self { span: span.year_before(), by_year: true }),
            _ => None,
        }
    }

    /// The choice in the form above a page.
    pub fn select(asked: &Asked) -> Select {
        let option = |value: &str, label: &str| (value.to_owned(), label.to_owned());
        let options = vec![
            option("", "Nothing"),
            option(BEFORE, "The days before"),
            option(YEAR, "A year before"),
        ];
        let known = options.iter().any(|(value, _)| *value == asked.compare);
        let value = if known { asked.compare.clone() } else { String::new() };
        Select { name: FIELD, label: "Compared with", options, value }
    }

    /// For links: what was asked for.
    pub fn kept(asked: &Asked) -> (&'static str, String) {
        (FIELD, asked.compare.clone())
    }

    /// The days it is compared with, for a note: `the 30 days before, 23 Sep – 22 Oct 2026`.
    pub fn words(self) -> String {
        let days = days_text(self.span);
        match (self.by_year, self.span.days()) {
            (true, _) => format!("the same days a year before, {days}"),
            (false, 1) => format!("the day before, {days}"),
            (false, n) => format!("the {n} days before, {days}"),
        }
    }

    /// Over a column of the earlier figures.
    pub fn head(self) -> &'static str {
        if self.by_year { "#A year before" } else { "#Before" }
    }
}

impl Delta {
    /// A count beside an earlier one.
    pub fn count(now: i64, before: i64, good: Good) -> Self {
        let show = |value: i64| super::sheet::Cell::count(value).text;
        Self::new(real_signed(now), Some(real_signed(before)), before, good, |v| show(rounded(v)))
    }

    /// A figure beside an earlier one that rests on `base` orders, customers or the like; too few
    /// of them, and no percentage is said. Nothing known before: that is said.
    pub fn new(
        now: f64,
        before: Option<f64>,
        base: i64,
        good: Good,
        show: impl Fn(f64) -> String,
    ) -> Self {
        let Some(before) = before else {
            return Self { text: "nothing to compare with".to_owned(), tone: "plain" };
        };
        let (is, was) = (show(now), show(before));
        if is == was {
            return Self { text: "= as before".to_owned(), tone: "plain" };
        }
        let percent = ratio((now - before).abs(), before.abs())
            .filter(|_| base >= FEW)
            .map(|share| format!(" ({})", percent_text(share)))
            .unwrap_or_default();
        let gap = show((now - before).abs());
        let (word, is_good) = if now > before {
            ("\u{25b2} up", good == Good::More)
        } else {
            ("\u{25bc} down", good == Good::Less)
        };
        let tone = match (good, is_good) {
            (Good::Neither, _) => "plain",
            // Few are neither good nor bad news.
            _ if base < FEW => "plain",
            (_, true) => "good",
            (_, false) => "bad",
        };
        Self { text: format!("{word} {gap}{percent} from {was}"), tone }
    }

    /// The same, without what it was: for a column beside that.
    pub fn short(&self) -> String {
        self.text.split(" from ").next().unwrap_or_default().to_owned()
    }
}

/// A change of less than a tenth of one per cent is told as such.
fn percent_text(share: f64) -> String {
    let percent = share * 100.0;
    match () {
        () if percent < 0.1 => "under 0.1%".to_owned(),
        () if percent < 9.95 => format!("{percent:.1}%"),
        () => format!("{percent:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_and_only_where_there_is_enough_in_percent() {
        let told = |now, before| Delta::count(now, before, Good::More);
        assert_eq!(told(50, 40).text, "\u{25b2} up 10 (25%) from 40");
        assert_eq!((told(50, 40).tone, told(30, 40).tone), ("good", "bad"));
        assert_eq!((told(3, 2).text.as_str(), told(3, 2).tone), ("\u{25b2} up 1 from 2", "plain"));
        assert_eq!(told(1_000, 0).text, "\u{25b2} up 1,000 from 0");
        assert_eq!((told(7, 7).text.as_str(), told(7, 7).tone), ("= as before", "plain"));
        assert_eq!(told(7, 4).short(), "\u{25b2} up 3");
    }

    #[test]
    fn dearer_customers_are_bad_news_and_what_is_not_known_is_said() {
        let show = |value: f64| format!("{value:.0} €");
        let dear = Delta::new(25.0, Some(20.0), 100, Good::Less, show);
        assert_eq!((dear.text.as_str(), dear.tone), ("\u{25b2} up 5 € (25%) from 20 €", "bad"));
        assert_eq!(Delta::new(5.0, Some(6.0), 1, Good::Neither, show).tone, "plain");
        assert_eq!(Delta::new(5.0, None, 0, Good::More, show).text, "nothing to compare with");
    }
}
