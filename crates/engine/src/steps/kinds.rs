//! The kinds of steps, and the words by which an address names them.

use std::str::FromStr;

use model::Refused;
use model::ids::{FormId, OfferId, ProductId};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Viewed any page.
    View,
    /// Viewed the page of this path.
    Page(String),
    /// Viewed a page, coming from this source.
    Source(String),
    /// Answered a form; this one, or any.
    Form(Option<FormId>),
    /// Confirmed the newsletter.
    Confirmed,
    /// Clicked in a mail.
    Clicked,
    /// Sent the form of a checkout.
    Checkout,
    /// Paid an order; for this product, or any.
    Paid(Option<ProductId>),
    /// Paid a second order.
    Second,
    /// Was shown an offer after paying; this one, or any.
    Shown(Option<OfferId>),
    /// Took and paid an offer that was shown; this one, or any.
    Taken(Option<OfferId>),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::View => f.write_str("view"),
            Self::Page(path) => write!(f, "page:{path}"),
            Self::Source(source) => write!(f, "source:{source}"),
            Self::Form(None) => f.write_str("form"),
            Self::Form(Some(form)) => write!(f, "form:{form}"),
            Self::Confirmed => f.write_str("confirmed"),
            Self::Clicked => f.write_str("clicked"),
            Self::Checkout => f.write_str("checkout"),
            Self::Paid(None) => f.write_str("paid"),
            Self::Paid(Some(product)) => write!(f, "paid:{product}"),
            Self::Second => f.write_str("second"),
            Self::Shown(None) => f.write_str("shown"),
            Self::Shown(Some(offer)) => write!(f, "shown:{offer}"),
            Self::Taken(None) => f.write_str("taken"),
            Self::Taken(Some(offer)) => write!(f, "taken:{offer}"),
        }
    }
}

impl FromStr for Step {
    type Err = Refused;

    fn from_str(text: &str) -> std::result::Result<Self, Refused> {
        let unknown = || Refused::new("step_unknown", format!("there is no step `{text}`"));
        Ok(match text.split_once(':') {
            None => match text {
                "view" => Self::View,
                "form" => Self::Form(None),
                "confirmed" => Self::Confirmed,
                "clicked" => Self::Clicked,
                "checkout" => Self::Checkout,
                "paid" => Self::Paid(None),
                "second" => Self::Second,
                "shown" => Self::Shown(None),
                "taken" => Self::Taken(None),
                _ => return Err(unknown()),
            },
            Some(("page", path)) => Self::Page(path.to_owned()),
            Some(("source", source)) => Self::Source(source.to_owned()),
            Some(("form", form)) => Self::Form(Some(form.parse().map_err(|_| unknown())?)),
            Some(("paid", id)) => Self::Paid(Some(id.parse().map_err(|_| unknown())?)),
            Some(("shown", id)) => Self::Shown(Some(id.parse().map_err(|_| unknown())?)),
            Some(("taken", id)) => Self::Taken(Some(id.parse().map_err(|_| unknown())?)),
            Some(_) => return Err(unknown()),
        })
    }
}
