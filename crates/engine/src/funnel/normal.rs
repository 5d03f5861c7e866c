//! Brings what a file says into the one form in which the database gives it back: `19 USD` becomes
//! `19.00 USD`, `1 week` becomes `7 days`. What cannot be read is refused here, with its line.

use jiff::Timestamp;
use model::coupons::CouponCode;
use model::ids::StepId;
use model::messages::Class;
use model::notes::{clean_line, clean_text};
use model::offers::{Deadline, Since};
use model::products::Role;
use model::schedule::{Wait, Weekly, Window};
use model::{Money, Rate, Refused, Slug, UtcMs};
use sha2::{Digest, Sha256};

use super::document::{
    CouponDoc, Document, OfferDoc, PathDoc, ProductDoc, SequenceDoc, StepDoc, TemplateDoc,
};
use super::text::Parsed;

/// What a button says where the file does not.
const BUTTON: &str = "Buy now";

/// Brings the whole document into its one form.
///
/// # Errors
/// The first thing that cannot be read, with its line.
pub fn normalise(parsed: &mut Parsed) -> Result<(), Refused> {
    let mut document = std::mem::take(&mut parsed.document);
    let done = all(parsed, &mut document);
    parsed.document = document;
    done
}

fn all(parsed: &Parsed, document: &mut Document) -> Result<(), Refused> {
    slugs(parsed, document)?;
    for (country, rate) in &mut document.site.tax {
        let path = format!("site.tax.{country}");
        *rate = Rate::parse(rate).map_err(|e| parsed.at(&path, &e))?.to_string();
    }
    each(parsed, "templates", &mut document.templates, template)?;
    each(parsed, "sequences", &mut document.sequences, sequence)?;
    each(parsed, "products", &mut document.products, product)?;
    let names: Vec<(String, String)> =
        document.products.iter().map(|(slug, p)| (slug.clone(), p.name.clone())).collect();
    each(parsed, "offers", &mut document.offers, |offer| {
        let name = names.iter().find(|(slug, _)| *slug == offer.product);
        offer_in(offer, name.map(|(_, name)| name.as_str()))
    })?;
    let coupons = std::mem::take(&mut document.coupons);
    for (code, mut coupon) in coupons {
        let path = format!("coupons.{code}");
        let parsed_code = CouponCode::parse(&code).map_err(|e| parsed.at(&path, &e))?;
        coupon_in(&mut coupon).map_err(|e| locate(parsed, &path, &e))?;
        document.coupons.insert(parsed_code.to_string(), coupon);
    }
    each(parsed, "paths", &mut document.paths, path_in)
}

/// Refuses slugs that could not stand in an address.
fn slugs(parsed: &Parsed, document: &Document) -> Result<(), Refused> {
    let kinds: [(&str, Vec<&String>); 8] = [
        ("topics", document.topics.keys().collect()),
        ("magnets", document.magnets.keys().collect()),
        ("forms", document.forms.keys().collect()),
        ("templates", document.templates.keys().collect()),
        ("sequences", document.sequences.keys().collect()),
        ("products", document.products.keys().collect()),
        ("offers", document.offers.keys().collect()),
        ("pages", document.pages.keys().collect()),
    ];
    for (kind, names) in kinds {
        for name in names {
            Slug::parse(name).map_err(|e| parsed.at(&format!("{kind}.{name}"), &e))?;
        }
    }
    Ok(())
}

fn each<T>(
    parsed: &Parsed,
    kind: &str,
    nouns: &mut super::document::Nouns<T>,
    mut mend: impl FnMut(&mut T) -> Result<(), Refused>,
) -> Result<(), Refused> {
    for (slug, noun) in nouns {
        mend(noun).map_err(|e| locate(parsed, &format!("{kind}.{slug}"), &e))?;
    }
    Ok(())
}

/// The line of the member the refusal names, within `path`.
fn locate(parsed: &Parsed, path: &str, refused: &Refused) -> Refused {
    match &refused.field {
        Some(field) => parsed.at(&format!("{path}.{field}"), refused),
        None => parsed.at(path, refused),
    }
}

fn template(template: &mut TemplateDoc) -> Result<(), Refused> {
    if !["markdown", "html"].contains(&template.format.as_str()) {
        let refused = Refused::new("format_unknown", "use one of: markdown, html");
        return Err(refused.at("format"));
    }
    template.body = template.body.trim_end().to_owned();
    Ok(())
}

fn sequence(sequence: &mut SequenceDoc) -> Result<(), Refused> {
    if !["draft", "live", "paused"].contains(&sequence.state.as_str()) {
        let refused = Refused::new("state_unknown", "use one of: draft, live, paused");
        return Err(refused.at("state"));
    }
    model::sequences::ZoneOf::parse(&sequence.zone_of).map_err(|e| e.at("zone_of"))?;
    for (place, step) in sequence.steps.iter_mut().enumerate() {
        step_in(step).map_err(|e| {
            let field = e.field.clone().unwrap_or_default();
            e.at(format!("steps.{place}.{field}"))
        })?;
    }
    Ok(())
}

fn step_in(step: &mut StepDoc) -> Result<(), Refused> {
    step.wait = Wait::parse(&step.wait).map_err(|e| e.at("wait"))?.to_string();
    if let Some(window) = &mut step.window {
        *window = Window::parse(window).map_err(|e| e.at("window"))?.to_string();
    }
    if let Some(weekly) = &mut step.weekly {
        *weekly = Weekly::parse(weekly).map_err(|e| e.at("weekly"))?.to_string();
    }
    let kinds = [step.template.is_some(), step.tag.is_some(), step.end];
    if kinds.iter().filter(|given| **given).count() != 1 {
        let message = "a step is one thing: a template to mail, a tag to put on, or end = true";
        return Err(Refused::new("step_kind", message).at("template"));
    }
    if step.template.is_some() {
        let class = step.class.get_or_insert_with(|| Class::Value.as_str().to_owned());
        Class::parse(class).map_err(|e| e.at("class"))?;
    }
    let name = step.id.clone().or_else(|| step.template.clone()).or_else(|| step.tag.clone());
    step.id = Some(step_id(&name.unwrap_or_else(|| "end".to_owned())).to_string());
    Ok(())
}

/// The id of a step by its name in the file: the same name is the same step, in every version.
pub fn step_id(name: &str) -> StepId {
    if let Ok(id) = name.parse() {
        return id;
    }
    let digest = Sha256::digest(name.as_bytes());
    let bytes = digest.first_chunk::<8>().copied().unwrap_or_default();
    // Two bits less: ids are positive, and far from those made by a clock.
    StepId(i64::try_from(u64::from_be_bytes(bytes) >> 2).unwrap_or(0))
}

fn product(product: &mut ProductDoc) -> Result<(), Refused> {
    Role::parse(&product.role).map_err(|e| e.at("role"))?;
    product.name = clean_line(&product.name);
    product.summary = clean_line(&product.summary);
    product.description = clean_text(&product.description);
    if let Some(cost) = &product.cost {
        let money = Money::parse(cost).and_then(Money::as_price).map_err(|e| e.at("cost"))?;
        product.cost = (!money.is_zero()).then(|| money.to_string());
    }
    Ok(())
}

fn offer_in(offer: &mut OfferDoc, product_name: Option<&str>) -> Result<(), Refused> {
    offer.price = Money::parse(&offer.price).map_err(|e| e.at("price"))?.to_string();
    if let Some(compare) = &mut offer.compare {
        *compare = Money::parse(compare).map_err(|e| e.at("compare"))?.to_string();
    }
    if let Some(text) = &offer.deadline {
        offer.deadline = deadline_text(deadline(text).map_err(|e| e.at("deadline"))?);
    }
    if offer.title.trim().is_empty() {
        product_name.unwrap_or_default().clone_into(&mut offer.title);
    }
    if offer.button.trim().is_empty() {
        BUTTON.clone_into(&mut offer.button);
    }
    Ok(())
}

/// Reads `"2026-12-24T18:00:00Z"` or `"3 days since confirmed"`.
pub fn deadline(text: &str) -> Result<Deadline, Refused> {
    if let Some((lasts, since)) = text.split_once(" since ") {
        return Ok(Deadline::Evergreen {
            since: Since::parse(since.trim())?,
            lasts: Wait::parse(lasts)?,
        });
    }
    Ok(Deadline::Fixed { at: instant(text)? })
}

/// A deadline as it stands in a file.
pub fn deadline_text(deadline: Deadline) -> Option<String> {
    match deadline {
        Deadline::None => None,
        Deadline::Fixed { at } => Some(at.rfc3339()),
        Deadline::Evergreen { since, lasts } => Some(format!("{lasts} since {since}")),
    }
}

/// Reads an instant in RFC 3339.
pub fn instant(text: &str) -> Result<UtcMs, Refused> {
    text.parse::<Timestamp>().map(UtcMs::from).map_err(|_| {
        let message = "write an instant as 2026-12-24T18:00:00Z, or 3 days since confirmed";
        Refused::new("instant_invalid", message)
    })
}

/// Reads `"20 %"` or `"5.00 USD"`.
pub fn cut(text: &str) -> Result<model::coupons::Cut, Refused> {
    if text.trim_end().ends_with('%') {
        return Ok(model::coupons::Cut::Percent(Rate::parse(text)?));
    }
    Ok(model::coupons::Cut::Fixed(Money::parse(text)?))
}

/// What a coupon takes off, as it stands in a file.
pub fn cut_text(cut: model::coupons::Cut) -> String {
    match cut {
        model::coupons::Cut::Percent(rate) => rate.to_string(),
        model::coupons::Cut::Fixed(amount) => amount.to_string(),
    }
}

fn coupon_in(coupon: &mut CouponDoc) -> Result<(), Refused> {
    coupon.off = cut_text(cut(&coupon.off).map_err(|e| e.at("off"))?);
    if let Some(at) = &mut coupon.starts_at {
        *at = instant(at).map_err(|e| e.at("starts_at"))?.rfc3339();
    }
    if let Some(at) = &mut coupon.ends_at {
        *at = instant(at).map_err(|e| e.at("ends_at"))?.rfc3339();
    }
    if let Some(minimum) = &mut coupon.minimum {
        *minimum = Money::parse(minimum).map_err(|e| e.at("minimum"))?.to_string();
    }
    Ok(())
}

fn path_in(path: &mut PathDoc) -> Result<(), Refused> {
    path.name = clean_line(&path.name);
    if let Some(code) = &mut path.back_end_coupon {
        *code = CouponCode::parse(code).map_err(|e| e.at("back_end_coupon"))?.to_string();
    }
    Ok(())
}
