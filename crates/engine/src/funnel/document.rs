//! What a funnel file says: every noun by its slug, references by slug, money as `"19.00 USD"`,
//! waits as `"2 days"`. The same shape is read from a file and made from the database, so that a
//! difference is a difference of two values.

use std::collections::BTreeMap;

use model::blocks::Block;
use model::forms::FormSpec;
use serde::{Deserialize, Serialize};

/// Nouns by slug.
pub type Nouns<T> = BTreeMap<String, T>;

/// A whole funnel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    /// The brand.
    pub site: SiteDoc,
    /// What one may subscribe to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: Nouns<TopicDoc>,
    /// Stored files by name: a path relative to this file.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Free things.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub magnets: Nouns<MagnetDoc>,
    /// Opt-in forms.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub forms: Nouns<FormSpec>,
    /// What mails say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: Nouns<TemplateDoc>,
    /// Queued follow-up.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sequences: Nouns<SequenceDoc>,
    /// What is sold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub products: Nouns<ProductDoc>,
    /// At which price, until when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub offers: Nouns<OfferDoc>,
    /// Codes that take something off.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub coupons: Nouns<CouponDoc>,
    /// Which offer follows which.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: Nouns<PathDoc>,
    /// Pages and articles.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pages: Nouns<PageDoc>,
}

fn one() -> i64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_no(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(number: &i64) -> bool {
    *number == 1
}

/// A site. What is left out keeps its value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteDoc {
    /// Its slug; needed where the installation has more than one site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Its name as customers read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name mail comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// The address mail comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_address: Option<String>,
    /// The postal address of marketing mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<String>,
    /// ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Slug of the page at `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_page: Option<String>,
    /// Sales mails a contact may get in seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_mails_per_week: Option<u32>,
    /// Whether prices include tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_include_tax: Option<bool>,
    /// Tax rates by country: `DE = "19 %"`; `"*"` is every other country.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tax: BTreeMap<String, String>,
    /// Links in the footer: label and page.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub footer: BTreeMap<String, String>,
    /// Colours and fonts by token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub theme: BTreeMap<String, String>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicDoc {
    /// Its name.
    pub name: String,
    /// What one gets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A magnet: a file or a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MagnetDoc {
    /// Its name.
    pub name: String,
    /// Name of a stored file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// An address elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A template of mails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateDoc {
    /// Its name.
    pub name: String,
    /// markdown or html.
    #[serde(default = "markdown")]
    pub format: String,
    /// The subject.
    pub subject: String,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The body's own file, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_file: Option<String>,
}

fn markdown() -> String {
    "markdown".to_owned()
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceDoc {
    /// Its name.
    pub name: String,
    /// `form:SLUG`, `confirmed`, `tag:WORD`, `bought:PRODUCT`, `refunded:PRODUCT` or `manual`.
    pub starts_on: String,
    /// draft, live or paused.
    #[serde(default = "live")]
    pub state: String,
    /// contact or site.
    #[serde(default = "contact")]
    pub zone_of: String,
    /// `bought`, `bought:PRODUCT`, `tag:WORD`, `deadline:OFFER`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<StepDoc>,
}

fn live() -> String {
    "live".to_owned()
}

fn contact() -> String {
    "contact".to_owned()
}

/// A step of a sequence: a mail, a tag, or the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDoc {
    /// Stays the same from version to version; left out, it is the template's slug or the tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How long after the step before.
    pub wait: String,
    /// Only in these hours: `"mon-fri 09:00-17:00"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Only at this weekly hour: `"tue 09:00"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<String>,
    /// The mail's template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The mail's class: promised, value, sales or back-end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The tag to put on, instead of a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Ends the sequence here.
    #[serde(default, skip_serializing_if = "is_no")]
    pub end: bool,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductDoc {
    /// Its name.
    pub name: String,
    /// front, back or both.
    #[serde(default = "both")]
    pub role: String,
    /// A line of what it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What it is, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Cost of goods of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Name of a stored picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Names of the files its buyer may download.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Products shown first beside it: slugs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<String>,
    /// Whether it is not sold any more.
    #[serde(default, skip_serializing_if = "is_no")]
    pub withdrawn: bool,
}

fn both() -> String {
    "both".to_owned()
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferDoc {
    /// The product: slug.
    pub product: String,
    /// `"19.00 USD"`.
    pub price: String,
    /// The reference price, where it was really asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<String>,
    /// Its heading.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Why one would want it, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pitch: String,
    /// What the button says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub button: String,
    /// `"2026-12-24T18:00:00Z"`, or `"3 days since confirmed"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// How many at once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub quantity_max: i64,
    /// How many there are, where they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
    /// Whether it is over.
    #[serde(default, skip_serializing_if = "is_no")]
    pub ended: bool,
}

/// A coupon; its key is its code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CouponDoc {
    /// `"20 %"` or `"5.00 USD"`.
    pub off: String,
    /// From when, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    /// Until when, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// Uses in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<i64>,
    /// Uses of one contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_contact: Option<i64>,
    /// The least order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// Only for these products.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Only for a first order.
    #[serde(skip_serializing_if = "is_no")]
    pub first_order: bool,
    /// Only for who bought before.
    #[serde(skip_serializing_if = "is_no")]
    pub customers_only: bool,
    /// A word for the operators.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Whether it is switched off.
    #[serde(skip_serializing_if = "is_no")]
    pub off_now: bool,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathDoc {
    /// Its name.
    pub name: String,
    /// The offer it starts with.
    pub main: String,
    /// The bump on the checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bump: Option<String>,
    /// The offer in the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_end_offer: Option<String>,
    /// The coupon in the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_end_coupon: Option<String>,
    /// What follows, level by level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelDoc>,
    /// Whether it is not used any more.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
}

/// A level of a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelDoc {
    /// Offered first.
    pub upsell: String,
    /// Offered to who declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsell: Option<String>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageDoc {
    /// landing, sales, thank_you, article or legal.
    pub kind: String,
    /// The title.
    pub title: String,
    /// What search engines show.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether it is not yet, or no longer, shown.
    #[serde(default, skip_serializing_if = "is_no")]
    pub draft: bool,
    /// What it is made of.
    #[serde(default)]
    pub blocks: Vec<Block>,
}
