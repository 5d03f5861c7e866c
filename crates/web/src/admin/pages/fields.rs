//! How each kind of block is written in a form: the fields, and the way between them and a block.

use model::blocks::Block;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// How a member of a block is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Line,
    Text,
    Flag,
    /// A line each.
    Lines,
    /// A question, its answer under it, an empty line between two.
    Questions,
    /// `offer:book`, `page:home`, `#form`, `https://…`.
    Link,
}

type Member = (&'static str, &'static str, Shape, &'static str);

const LINK_HELP: &str = "offer:slug, page:slug, #place on this page, or https://…";
const FILE_HELP: &str = "The name of a stored file.";

const KINDS: &[(&str, &str, &[Member])] = &[
    (
        "hero",
        "Opening",
        &[
            ("title", "Headline", Shape::Line, ""),
            ("eyebrow", "Small line above", Shape::Line, ""),
            ("text", "Line below", Shape::Text, ""),
            ("image", "Picture", Shape::Line, FILE_HELP),
            ("image_alt", "What the picture shows", Shape::Line, ""),
            ("form", "Form beside it", Shape::Line, "The slug of a form; leave out the button."),
            ("link", "Button leads to", Shape::Link, LINK_HELP),
            ("button", "Button says", Shape::Line, ""),
        ],
    ),
    ("text", "Text", &[("text", "Text", Shape::Text, "Markdown.")]),
    (
        "image",
        "Picture",
        &[
            ("image", "Picture", Shape::Line, FILE_HELP),
            ("alt", "What it shows", Shape::Line, "For those who cannot see it."),
            ("caption", "Line below", Shape::Line, ""),
        ],
    ),
    (
        "video",
        "Film",
        &[
            ("title", "Title", Shape::Line, ""),
            ("file", "Film", Shape::Line, FILE_HELP),
            ("url", "Or where it is", Shape::Line, "https://…"),
            ("poster", "Still picture", Shape::Line, FILE_HELP),
        ],
    ),
    (
        "form",
        "Form",
        &[
            ("form", "Form", Shape::Line, "The slug of a form."),
            ("title", "Heading", Shape::Line, "The form's own where empty."),
            ("text", "Line above", Shape::Text, ""),
        ],
    ),
    (
        "price",
        "Price",
        &[
            ("offer", "Offer", Shape::Line, "The slug of an offer."),
            ("includes", "What one gets", Shape::Lines, "A line each."),
            ("button", "Button says", Shape::Line, ""),
            ("compare", "Show the usual price", Shape::Flag, ""),
        ],
    ),
    (
        "deadline",
        "Deadline",
        &[
            ("offer", "Offer", Shape::Line, "The slug of an offer; its own deadline is shown."),
            ("text", "Words before it", Shape::Line, ""),
        ],
    ),
    (
        "testimonial",
        "What a customer said",
        &[
            ("quote", "Their words", Shape::Text, ""),
            ("name", "Name", Shape::Line, ""),
            ("role", "What they do", Shape::Line, ""),
        ],
    ),
    (
        "faq",
        "Questions",
        &[
            ("title", "Heading", Shape::Line, ""),
            (
                "items",
                "Questions",
                Shape::Questions,
                "A question in one line, its answer in the lines under it; an empty line before \
                 the next question.",
            ),
        ],
    ),
    (
        "guarantee",
        "Guarantee",
        &[
            ("title", "Title", Shape::Line, ""),
            ("text", "What you stand for", Shape::Text, "Markdown."),
        ],
    ),
    (
        "call_to_action",
        "Call to action",
        &[
            ("title", "Heading", Shape::Line, ""),
            ("text", "Line above the button", Shape::Text, ""),
            ("link", "Button leads to", Shape::Link, LINK_HELP),
            ("button", "Button says", Shape::Line, ""),
        ],
    ),
    (
        "also_bought",
        "Also bought",
        &[
            ("product", "Product", Shape::Line, "The slug of a product."),
            ("title", "Heading", Shape::Line, ""),
        ],
    ),
    ("checkout", "Checkout", &[("offer", "Offer", Shape::Line, "The slug of an offer.")]),
];

/// Every kind with the words for it.
pub fn kinds() -> Vec<(&'static str, &'static str)> {
    KINDS.iter().map(|(kind, label, _)| (*kind, *label)).collect()
}

/// The words for a kind.
pub fn label(kind: &str) -> Option<&'static str> {
    KINDS.iter().find(|(name, _, _)| *name == kind).map(|(_, label, _)| *label)
}

/// A member of a block as a form shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What stands beside it.
    pub label: &'static str,
    /// line, text or flag.
    pub kind: &'static str,
    /// A word of help.
    pub help: &'static str,
    /// What stands in it.
    pub value: String,
}

/// A block of `kind` as a form's fields, filled from its JSON.
pub fn inputs(kind: &str, block: &Value) -> Vec<Input> {
    let members = KINDS.iter().find(|(name, _, _)| *name == kind).map(|(_, _, members)| *members);
    let one = |(name, label, shape, help): &Member| Input {
        name,
        label,
        kind: match shape {
            Shape::Line | Shape::Link => "line",
            Shape::Text | Shape::Lines | Shape::Questions => "text",
            Shape::Flag => "flag",
        },
        help,
        value: written(*shape, block.get(*name).unwrap_or(&Value::Null)),
    };
    members.unwrap_or_default().iter().map(one).collect()
}

fn written(shape: Shape, value: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    match shape {
        Shape::Line | Shape::Text => text(value),
        Shape::Flag => if value == &json!(false) { "" } else { "on" }.to_owned(),
        Shape::Lines => all.iter().map(text).collect::<Vec<_>>().join("\n"),
        Shape::Questions => {
            let one = |item: &Value| {
                let part = |name: &str| item.get(name).map(text).unwrap_or_default();
                format!("{}\n{}", part("question"), part("answer").replace("\n\n", "\n"))
            };
            all.iter().map(one).collect::<Vec<_>>().join("\n\n")
        }
        Shape::Link => match value.as_object().and_then(|map| map.iter().next()) {
            Some((kind, to)) if kind == "offer" || kind == "page" => format!("{kind}:{}", text(to)),
            Some((_, to)) => text(to),
            None => String::new(),
        },
    }
}

/// The block that a form's pairs write, and the JSON of it.
///
/// # Errors
/// A sentence about what is missing.
pub fn read(kind: &str, pairs: &[(String, String)]) -> Result<Block, String> {
    let members = KINDS.iter().find(|(name, _, _)| *name == kind).map(|(_, _, members)| *members);
    let members = members.ok_or("choose a kind of block")?;
    let mut block = Map::from_iter([("type".to_owned(), json!(kind))]);
    for (name, _, shape, _) in members {
        let typed = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let typed = typed.unwrap_or_default().replace("\r\n", "\n");
        if let Some(value) = value_of(*shape, typed.trim()) {
            block.insert((*name).to_owned(), value);
        }
    }
    serde_json::from_value(Value::Object(block)).map_err(|error| {
        let text = error.to_string();
        match text.split('`').nth(1).and_then(|name| members.iter().find(|m| m.0 == name)) {
            Some((_, label, ..)) => format!("fill in: {label}"),
            None => text,
        }
    })
}

fn value_of(shape: Shape, typed: &str) -> Option<Value> {
    match shape {
        Shape::Flag => Some(json!(typed == "on")),
        _ if typed.is_empty() => None,
        Shape::Line | Shape::Text => Some(json!(typed)),
        Shape::Lines => {
            let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
            Some(json!(lines.collect::<Vec<_>>()))
        }
        Shape::Questions => {
            let one = |part: &str| {
                let (question, answer) = part.split_once('\n').unwrap_or((part, ""));
                json!({"question": question.trim(), "answer": answer.trim()})
            };
            let parts = typed.split("\n\n").filter(|part| !part.trim().is_empty());
            Some(json!(parts.map(|part| one(part.trim())).collect::<Vec<_>>()))
        }
        Shape::Link => Some(match typed.split_once(':') {
            Some((kind @ ("offer" | "page"), slug)) => json!({kind: slug.trim()}),
            _ if typed.starts_with('#') => json!({"anchor": typed}),
            _ => json!({"url": typed}),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_block_goes_through_its_form_unchanged() {
        let typed = pairs(&[
            ("title", "Questions"),
            ("items", "Is it long?\nNo.\nNot at all.\n\nIs it dear?\nIt is $19."),
        ]);
        let block = read("faq", &typed).unwrap();
        let json = serde_json::to_value(&block).unwrap();
        let back: Vec<(String, String)> = inputs("faq", &json)
            .into_iter()
            .map(|input| (input.name.to_owned(), input.value))
            .collect();
        assert_eq!(read("faq", &back).unwrap(), block);
    }

    #[test]
    fn a_button_may_lead_to_an_offer_a_page_a_place_or_elsewhere() {
        for link in ["offer:book", "page:home", "#price", "https://elsewhere.example/"] {
            let typed = pairs(&[("link", link), ("button", "Go")]);
            let block = read("call_to_action", &typed).unwrap();
            let json = serde_json::to_value(&block).unwrap();
            let shown = inputs("call_to_action", &json);
            assert_eq!(shown.iter().find(|i| i.name == "link").unwrap().value, link);
        }
    }

    #[test]
    fn what_is_missing_is_named_by_its_label() {
        assert_eq!(read("price", &[]).unwrap_err(), "fill in: Offer");
    }
}
