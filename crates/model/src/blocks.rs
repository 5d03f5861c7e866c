//! What a page is made of: a list of typed blocks. Nothing in them is markup but Markdown, and
//! everything that can change (a price, a deadline, a form) is named by slug and looked up when
//! the page is shown, so that a page never tells an old price.

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::urls::Destination;

/// Blocks on one page: more is a sign of two pages.
const BLOCKS_MAX: usize = 60;
/// Characters of one Markdown text.
const TEXT_MAX: usize = 40_000;
/// Characters of a heading, a label or a name.
const LINE_MAX: usize = 300;

/// Whether a page shows the offer's price with its reference price.
fn yes() -> bool {
    true
}

/// One block of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
    /// The first thing one reads; holds the page's `h1`.
    Hero {
        /// The headline.
        title: String,
        /// The line under it.
        #[serde(default)]
        text: String,
        /// A small line above the headline.
        #[serde(default)]
        eyebrow: String,
        /// A picture beside it: name of a stored file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// What the picture shows, for those who cannot see it.
        #[serde(default)]
        image_alt: String,
        /// A form in place of the button: slug.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<String>,
        /// A button: where it leads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Target>,
        /// What the button says.
        #[serde(default)]
        button: String,
    },
    /// Markdown.
    Text {
        /// The Markdown.
        text: String,
    },
    /// A picture.
    Image {
        /// Name of a stored file.
        image: String,
        /// What it shows, for those who cannot see it.
        alt: String,
        /// A line under it.
        #[serde(default)]
        caption: String,
    },
    /// A film: an own file, or a still picture that links to one elsewhere.
    Video {
        /// Name of a stored film.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// Name of a stored still picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<String>,
        /// Where the film is, if elsewhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// What it is.
        title: String,
    },
    /// An opt-in form.
    Form {
        /// Slug of the form.
        form: String,
        /// A heading above it.
        #[serde(default)]
        title: String,
        /// A line above it.
        #[serde(default)]
        text: String,
    },
    /// An offer's price, as it is now.
    Price {
        /// Slug of the offer.
        offer: String,
        /// What one gets, a line each.
        #[serde(default)]
        includes: Vec<String>,
        /// What the button says; empty for a plain default.
        #[serde(default)]
        button: String,
        /// Whether the reference price is shown where the offer has one.
        #[serde(default = "yes")]
        compare: bool,
    },
    /// An offer's deadline, as the server will keep it.
    Deadline {
        /// Slug of the offer.
        offer: String,
        /// A line before the instant.
        #[serde(default)]
        text: String,
    },
    /// What a customer said.
    Testimonial {
        /// The words.
        quote: String,
        /// Whose.
        name: String,
        /// What they do.
        #[serde(default)]
        role: String,
    },
    /// Questions and answers.
    Faq {
        /// A heading above them.
        #[serde(default)]
        title: String,
        /// The questions.
        items: Vec<Question>,
    },
    /// What the seller stands for.
    Guarantee {
        /// Its name.
        title: String,
        /// What is promised, in Markdown.
        text: String,
    },
    /// One clear thing to do.
    CallToAction {
        /// A heading above the button.
        #[serde(default)]
        title: String,
        /// A line above the button.
        #[serde(default)]
        text: String,
        /// Where the button leads.
        link: Target,
        /// What it says.
        button: String,
    },
    /// Up to six products that were bought with this one.
    AlsoBought {
        /// Slug of the product; left out on the thank-you page, which knows what was bought.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<String>,
        /// A heading above them.
        #[serde(default)]
        title: String,
    },
    /// The checkout of an offer.
    Checkout {
        /// Slug of the offer.
        offer: String,
    },
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The answer, in Markdown.
    pub answer: String,
}

/// Where a button leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// The checkout of an offer: slug.
    Offer(String),
    /// A page of this site: slug.
    Page(String),
    /// A place on this page: `#form`.
    Anchor(String),
    /// An address: https only.
    Url(String),
}

/// What a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// Asks for an address.
    Landing,
    /// Sells.
    Sales,
    /// Thanks.
    ThankYou,
    /// Is read for its own sake; in the feed.
    Article,
    /// Imprint, terms, privacy.
    Legal,
}

impl PageKind {
    /// The word its row carries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Landing => "landing",
            Self::Sales => "sales",
            Self::ThankYou => "thank_you",
            Self::Article => "article",
            Self::Legal => "legal",
        }
    }
}

impl std::str::FromStr for PageKind {
    type Err = Refused;

    fn from_str(word: &str) -> Result<Self, Refused> {
        [Self::Landing, Self::Sales, Self::ThankYou, Self::Article, Self::Legal]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| {
                Refused::new(
                    "page_kind_unknown",
                    "a page is one of landing, sales, thank_you, article, legal",
                )
            })
    }
}

/// What one version of a page holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageContent {
    /// The title of the window, and the heading where no hero gives one.
    pub title: String,
    /// What search engines and previews show.
    #[serde(default)]
    pub description: String,
    /// The blocks, in order.
    #[serde(default)]
    pub blocks: Vec<Block>,
}

impl Block {
    /// The offer whose price or deadline stands in it.
    pub fn shows_offer(&self) -> Option<&str> {
        match self {
            Self::Price { offer, .. } | Self::Deadline { offer, .. } | Self::Checkout { offer } => {
                Some(offer)
            }
            _ => None,
        }
    }
}

impl PageContent {
    /// Checks lengths and addresses; names of forms and offers are checked where they are known.
    ///
    /// # Errors
    /// The first thing to mend, at its path: `blocks.2.alt`.
    pub fn check(&self) -> Result<(), Refused> {
        line(&self.title, "title", true)?;
        line(&self.description, "description", false)?;
        if self.blocks.len() > BLOCKS_MAX {
            return Err(Refused::new(
                "page_too_long",
                format!("a page has at most {BLOCKS_MAX} blocks; make two pages"),
            )
            .at("blocks"));
        }
        for (at, block) in self.blocks.iter().enumerate() {
            block.check().map_err(|mut refused| {
                let field = refused.field.take().unwrap_or_default();
                refused.at(format!("blocks.{at}.{field}"))
            })?;
        }
        Ok(())
    }

    /// The slugs of the forms, offers and products it names, each with its kind.
    pub fn references(&self) -> Vec<(&'static str, &str)> {
        let mut found = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Hero { form, link, .. } => {
                    found.extend(form.as_deref().map(|slug| ("form", slug)));
                    found.extend(link.as_ref().and_then(Target::reference));
                }
                Block::Form { form, .. } => found.push(("form", form)),
                Block::Price { offer, .. }
                | Block::Deadline { offer, .. }
                | Block::Checkout { offer } => found.push(("offer", offer)),
                Block::CallToAction { link, .. } => found.extend(link.reference()),
                Block::AlsoBought { product, .. } => {
                    found.extend(product.as_deref().map(|slug| ("product", slug)));
                }
                _ => {}
            }
        }
        found
    }

    /// The names of the stored files it shows.
    pub fn files(&self) -> Vec<&str> {
        files_of(&self.blocks)
    }
}

/// The files that `blocks` show, by name.
pub fn files_of(blocks: &[Block]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for block in blocks {
        match block {
            Block::Hero { image, .. } => names.extend(image.as_deref()),
            Block::Image { image, .. } => names.push(image),
            Block::Video { file, poster, .. } => {
                names.extend(file.as_deref());
                names.extend(poster.as_deref());
            }
            _ => {}
        }
    }
    names
}

impl Target {
    fn reference(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Offer(slug) => Some(("offer", slug)),
            Self::Page(slug) => Some(("page", slug)),
            Self::Anchor(_) | Self::Url(_) => None,
        }
    }

    fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Url(url) => {
                let to = Destination::parse(url).map_err(|refused| refused.at("link"))?;
                if !to.as_str().starts_with("https://") {
                    let why = "a link to elsewhere begins with https://";
                    return Err(Refused::new("link_unsafe", why).at("link"));
                }
                Ok(())
            }
            Self::Anchor(name) if !name.starts_with('#') => {
                Err(Refused::new("anchor_invalid", "a place on the page begins with #").at("link"))
            }
            _ => Ok(()),
        }
    }
}

impl Block {
    fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Hero { title, text, link, .. } => {
                line(title, "title", true)?;
                long(text, "text", false)?;
                link.as_ref().map_or(Ok(()), Target::check)
            }
            Self::Text { text } => long(text, "text", true),
            Self::Image { image, alt, .. } => {
                line(image, "image", true)?;
                line(alt, "alt", true)
            }
            Self::Video { file, url, title, .. } => {
                line(title, "title", true)?;
                if file.is_none() == url.is_none() {
                    let why = "give the film's own file, or the address where it is";
                    return Err(Refused::new("video_source", why).at("file"));
                }
                url.as_ref().map_or(Ok(()), |url| Target::Url(url.clone()).check())
            }
            Self::Form { form, .. } => line(form, "form", true),
            Self::Price { offer, .. } | Self::Deadline { offer, .. } | Self::Checkout { offer } => {
                line(offer, "offer", true)
            }
            Self::Testimonial { quote, name, .. } => {
                long(quote, "quote", true)?;
                line(name, "name", true)
            }
            Self::Faq { items, .. } => items.iter().try_for_each(|item| {
                line(&item.question, "items", true)?;
                long(&item.answer, "items", true)
            }),
            Self::Guarantee { title, text } => {
                line(title, "title", true)?;
                long(text, "text", true)
            }
            Self::CallToAction { link, button, .. } => {
                line(button, "button", true)?;
                link.check()
            }
            Self::AlsoBought { title, .. } => line(title, "title", false),
        }
    }
}

fn line(text: &str, field: &'static str, needed: bool) -> Result<(), Refused> {
    within(text, field, needed, LINE_MAX)
}

fn long(text: &str, field: &'static str, needed: bool) -> Result<(), Refused> {
    within(text, field, needed, TEXT_MAX)
}

fn within(text: &str, field: &'static str, needed: bool, max: usize) -> Result<(), Refused> {
    if needed && text.trim().is_empty() {
        return Err(Refused::new("text_missing", "write something here").at(field));
    }
    if text.chars().count() > max {
        return Err(Refused::new("text_too_long", format!("at most {max} characters")).at(field));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_from_json_and_unknown_members_are_refused() {
        let text = r#"{"type":"price","offer":"book"}"#;
        let block: Block = serde_json::from_str(text).unwrap();
        assert!(matches!(block, Block::Price { compare: true, .. }));
        let wrong = r#"{"type":"price","offer":"book","colour":"red"}"#;
        assert!(serde_json::from_str::<Block>(wrong).is_err());
    }

    #[test]
    fn what_must_be_mended_is_named_by_its_path() {
        let content = PageContent {
            title: "A page".into(),
            description: String::new(),
            blocks: vec![
                Block::Text { text: "Hello".into() },
                Block::Image { image: "a.png".into(), alt: String::new(), caption: String::new() },
            ],
        };
        assert_eq!(content.check().unwrap_err().field.as_deref(), Some("blocks.1.alt"));
    }

    #[test]
    fn a_button_never_runs_script() {
        for (url, code) in [
            ("javascript:alert(1)", "url_scheme"),
            ("http://x.test", "link_unsafe"),
            ("https://shop.example@evil.test", "url_user"),
            ("https://x.test/\r\nSet-Cookie: a", "url_control"),
        ] {
            assert_eq!(Target::Url(url.into()).check().unwrap_err().code, code, "{url}");
        }
        assert!(Target::Url("https://x.test/a?b#c".into()).check().is_ok());
    }
}
