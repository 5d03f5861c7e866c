//! Which orders a page is about: those of one channel, of one first product, or of the contacts of
//! one segment; and the choices of these in the forms above pages.

use model::UtcMs;
use model::channels::Channel;
use model::ids::{ProductId, SegmentId};
use store::order_sums::Only;
use store::segments::Segment;

use super::report::{Note, Select};
use super::{Asked, Period, as_of, channel_name, link};
use crate::extract::operator::CurrentOperator;

/// Nothing is rolled up by segment: a page that takes longer than this says how long it took.
const QUICK_MS: i64 = 100;

const ORDERS: &str = "/admin/numbers/orders";

/// What is left of all orders.
#[derive(Debug, Clone)]
pub(crate) struct Narrow {
    channel: String,
    product: ProductId,
    product_text: String,
    segment: SegmentId,
    segment_text: String,
    currency: String,
}

impl Narrow {
    /// What is asked for, in the currency of the site.
    pub fn read(who: &CurrentOperator, asked: &Asked) -> Self {
        Self {
            channel: asked.channel.clone(),
            product: product_in(&asked.product),
            product_text: asked.product.clone(),
            segment: segment_in(&asked.segment),
            segment_text: asked.segment.clone(),
            currency: who.site.currency.clone(),
        }
    }

    /// As the store takes it.
    pub fn only(&self) -> Only<'_> {
        Only {
            currency: &self.currency,
            channel: &self.channel,
            product: self.product,
            segment: self.segment,
        }
    }

    /// Of the amounts.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The channel's word, or empty.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The first product; 0: anything.
    pub fn product(&self) -> ProductId {
        self.product
    }

    /// The segment; 0: anyone.
    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    /// Whether nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.channel.is_empty() && self.is_of_all_orders()
    }

    /// Whether orders of every product and every contact are counted.
    pub fn is_of_all_orders(&self) -> bool {
        self.product.0 == 0 && self.segment.0 == 0
    }

    /// For links: what was asked for.
    pub fn kept(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("channel", self.channel.clone()),
            ("product", self.product_text.clone()),
            ("segment", self.segment_text.clone()),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The orders of these days that `more` says, narrowed as the page is.
    pub fn orders_at(&self, period: &Period, more: &[(&'static str, String)]) -> String {
        let mut query = period.query().to_vec();
        query.extend(self.kept());
        query.push(("currency", self.currency.clone()));
        query.extend(more.iter().cloned());
        link(ORDERS, &query)
    }

    /// The choice of a channel in the form above a page.
    pub fn channels(&self) -> Select {
        let mut options = vec![(String::new(), "Any channel".to_owned())];
        let known = Channel::ALL.iter().map(|channel| channel.as_str());
        for word in known.chain(["unknown"]) {
            options.push((word.to_owned(), channel_name(word)));
        }
        if !options.iter().any(|(word, _)| *word == self.channel) {
            options.push((self.channel.clone(), channel_name(&self.channel)));
        }
        Select { name: "channel", label: "Channel", options, value: self.channel.clone() }
    }

    /// The choice of what was bought first.
    pub fn products(&self, all: &[(ProductId, String)]) -> Select {
        products("First product", all, &self.product_text)
    }
}

/// The product an address names; 0: anything. What cannot be read names nothing that was sold.
pub(crate) fn product_in(text: &str) -> ProductId {
    if text.is_empty() { ProductId(0) } else { text.parse().unwrap_or(ProductId(-1)) }
}

/// The segment an address names; 0: anyone. What cannot be read names nobody.
pub(crate) fn segment_in(text: &str) -> SegmentId {
    if text.is_empty() { SegmentId(0) } else { text.parse().unwrap_or(SegmentId(-1)) }
}

/// A choice among named things, or any of them; what is chosen stands in it though it is gone.
pub(crate) fn choice(
    (name, label, any): (&'static str, &'static str, &str),
    named: impl IntoIterator<Item = (String, String)>,
    chosen: &str,
) -> Select {
    let mut options = vec![(String::new(), any.to_owned())];
    options.extend(named);
    if !options.iter().any(|(word, _)| word == chosen) {
        options.push((chosen.to_owned(), "Not known".to_owned()));
    }
    Select { name, label, options, value: chosen.to_owned() }
}

/// The choice of a product.
pub(crate) fn products(label: &'static str, all: &[(ProductId, String)], chosen: &str) -> Select {
    let named = all.iter().map(|(id, name)| (id.to_string(), name.clone()));
    choice(("product", label, "Any product"), named, chosen)
}

/// The choice of a source or channel, with the chosen one even where nobody came by it.
pub(crate) fn origins(name: &'static str, mut words: Vec<String>, chosen: &str) -> Select {
    words.push(chosen.to_owned());
    words.sort();
    words.dedup();
    let named = words.into_iter().filter(|word| !word.is_empty()).map(|word| {
        let name = channel_name(&word);
        (word, name)
    });
    choice((name, "Source", "Any source"), named, chosen)
}

/// The choice of a segment.
pub(crate) fn segments(all: &[Segment], chosen: &str) -> Select {
    let named = all.iter().map(|one| (one.id.to_string(), one.name.clone()));
    choice(("segment", "Segment", "Any contact"), named, chosen)
}

/// What to know where a segment is chosen: as of when its contacts are, and how long it took to
/// count what they did where that was long.
pub(crate) fn of_segment(
    who: &CurrentOperator,
    all: &[Segment],
    chosen: SegmentId,
    now: UtcMs,
) -> Option<Note> {
    if chosen.0 == 0 {
        return None;
    }
    let Some(segment) = all.iter().find(|one| one.id == chosen) else {
        return Some(Note::warn("This segment is gone: nobody is in it."));
    };
    let Some(at) = segment.counted_at else {
        let text = format!("“{}” is being counted: its figures come in a minute.", segment.name);
        return Some(Note::warn(text));
    };
    let mut text = format!(
        "Only the contacts who were in “{}” on {}: {} of them.",
        segment.name,
        as_of(who, at),
        super::sheet::Cell::count(segment.members).text
    );
    let took = now.since_ms(who.now);
    if took > QUICK_MS {
        let tenths = took / 100;
        text.push_str(&format!(
            " They are counted one by one: that took {}.{} seconds.",
            tenths / 10,
            tenths % 10
        ));
    }
    Some(Note::info(text))
}
