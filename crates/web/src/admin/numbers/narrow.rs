//! Which orders a page is about: those of one channel, or of one first product.

use model::channels::Channel;
use model::ids::ProductId;
use store::order_sums::Only;

use super::report::Select;
use super::{Asked, Period, channel_name, link};
use crate::extract::operator::CurrentOperator;

const ORDERS: &str = "/admin/numbers/orders";

/// What is left of all orders.
#[derive(Debug, Clone)]
pub(crate) struct Narrow {
    channel: String,
    product: ProductId,
    product_text: String,
    currency: String,
}

impl Narrow {
    /// What is asked for, in the currency of the site.
    pub fn read(who: &CurrentOperator, asked: &Asked) -> Self {
        Self {
            channel: asked.channel.clone(),
            product: asked.product.parse().unwrap_or(ProductId(0)),
            product_text: asked.product.clone(),
            currency: who.site.currency.clone(),
        }
    }

    /// As the store takes it.
    pub fn only(&self) -> Only<'_> {
        Only { currency: &self.currency, channel: &self.channel, product: self.product }
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

    /// Whether nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.channel.is_empty() && self.product.0 == 0
    }

    /// For links: what was asked for.
    pub fn kept(&self) -> Vec<(&'static str, String)> {
        let all = [("channel", self.channel.clone()), ("product", self.product_text.clone())];
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
    pub fn products(&self, products: &[(ProductId, String)]) -> Select {
        let mut options = vec![(String::new(), "Any product".to_owned())];
        options.extend(products.iter().map(|(id, name)| (id.to_string(), name.clone())));
        Select {
            name: "product",
            label: "First product",
            options,
            value: self.product_text.clone(),
        }
    }
}
