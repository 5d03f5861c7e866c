//! Looks whether every slug a file names is there: in the file, or on the site already.

use std::collections::{BTreeMap, BTreeSet};

use model::Refused;
use model::spelling::nearest;

use super::document::Document;
use super::text::Parsed;

/// One mention: where, which kind, which slug.
type Mention = (String, &'static str, String);

/// Checks every mention.
///
/// # Errors
/// The first slug that is nowhere, with its line and what was probably meant.
pub fn check(parsed: &Parsed, now: &Document) -> Result<(), Refused> {
    let mut known: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for document in [now, &parsed.document] {
        for (kind, slug) in names(document) {
            known.entry(kind).or_default().insert(slug);
        }
    }
    for (path, kind, slug) in mentions(&parsed.document) {
        let there = known.get(kind);
        if there.is_some_and(|slugs| slugs.contains(&slug)) {
            continue;
        }
        let near = there.and_then(|slugs| nearest(&slug, slugs.iter().map(String::as_str)));
        let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        let refused = Refused::new("unknown", format!("there is no {kind} called {slug}{hint}"));
        return Err(parsed.at(&path, &refused));
    }
    Ok(())
}

fn names(document: &Document) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut add = |kind: &'static str, keys: Vec<&String>| {
        found.extend(keys.into_iter().map(|key| (kind, key.clone())));
    };
    add("topic", document.topics.keys().collect());
    add("file", document.files.keys().collect());
    add("magnet", document.magnets.keys().collect());
    add("form", document.forms.keys().collect());
    add("template", document.templates.keys().collect());
    add("product", document.products.keys().collect());
    add("offer", document.offers.keys().collect());
    add("coupon", document.coupons.keys().collect());
    add("page", document.pages.keys().collect());
    found
}

fn mentions(document: &Document) -> Vec<Mention> {
    let mut found = Vec::new();
    if let Some(page) = &document.site.home_page {
        found.push(("site.home_page".to_owned(), "page", page.clone()));
    }
    for (label, page) in &document.site.footer {
        found.push((format!("site.footer.{label}"), "page", page.clone()));
    }
    for (slug, magnet) in &document.magnets {
        found.extend(one(format!("magnets.{slug}.file"), "file", magnet.file.as_ref()));
    }
    for (slug, form) in &document.forms {
        let path = format!("forms.{slug}");
        found.extend(many(&format!("{path}.topics"), "topic", &form.topics));
        found.extend(one(format!("{path}.magnet"), "magnet", form.magnet.as_ref()));
        for (place, field) in form.fields.iter().enumerate() {
            let path = format!("{path}.fields.{place}.topic");
            found.extend(one(path, "topic", field.topic.as_ref()));
        }
    }
    sequences(document, &mut found);
    shop(document, &mut found);
    for (slug, page) in &document.pages {
        let content = model::blocks::PageContent {
            title: page.title.clone(),
            description: String::new(),
            blocks: page.blocks.clone(),
        };
        for (kind, name) in content.references() {
            found.push((format!("pages.{slug}.blocks"), kind, name.to_owned()));
        }
    }
    found
}

fn sequences(document: &Document, found: &mut Vec<Mention>) {
    for (slug, sequence) in &document.sequences {
        let path = format!("sequences.{slug}");
        for (place, step) in sequence.steps.iter().enumerate() {
            let path = format!("{path}.steps.{place}.template");
            found.extend(one(path, "template", step.template.as_ref()));
        }
        let words = std::iter::once(("starts_on".to_owned(), &sequence.starts_on));
        let exits = sequence.exits.iter().enumerate();
        for (member, word) in words.chain(exits.map(|(n, exit)| (format!("exits.{n}"), exit))) {
            let Some((kind, name)) = word.split_once(':') else { continue };
            let kind = match kind {
                "form" => "form",
                "bought" | "refunded" => "product",
                "deadline" => "offer",
                _ => continue,
            };
            found.push((format!("{path}.{member}"), kind, name.to_owned()));
        }
    }
}

fn shop(document: &Document, found: &mut Vec<Mention>) {
    for (slug, product) in &document.products {
        let path = format!("products.{slug}");
        found.extend(one(format!("{path}.image"), "file", product.image.as_ref()));
        found.extend(many(&format!("{path}.files"), "file", &product.files));
        found.extend(many(&format!("{path}.pins"), "product", &product.pins));
    }
    for (slug, offer) in &document.offers {
        found.push((format!("offers.{slug}.product"), "product", offer.product.clone()));
    }
    for (code, coupon) in &document.coupons {
        found.extend(many(&format!("coupons.{code}.products"), "product", &coupon.products));
    }
    for (slug, path) in &document.paths {
        let at = format!("paths.{slug}");
        found.push((format!("{at}.main"), "offer", path.main.clone()));
        found.extend(one(format!("{at}.bump"), "offer", path.bump.as_ref()));
        found.extend(one(format!("{at}.back_end_offer"), "offer", path.back_end_offer.as_ref()));
        let coupon = path.back_end_coupon.as_ref();
        found.extend(one(format!("{at}.back_end_coupon"), "coupon", coupon));
        for (place, level) in path.levels.iter().enumerate() {
            let at = format!("{at}.levels.{place}");
            found.push((format!("{at}.upsell"), "offer", level.upsell.clone()));
            found.extend(one(format!("{at}.downsell"), "offer", level.downsell.as_ref()));
        }
    }
}

fn one(path: String, kind: &'static str, slug: Option<&String>) -> Option<Mention> {
    slug.map(|slug| (path, kind, slug.clone()))
}

fn many(path: &str, kind: &'static str, slugs: &[String]) -> Vec<Mention> {
    let mention = |(place, slug): (usize, &String)| (format!("{path}.{place}"), kind, slug.clone());
    slugs.iter().enumerate().map(mention).collect()
}
