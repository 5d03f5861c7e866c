//! Blocks as the template draws them: what a page names by slug (a form, an offer, a picture) is
//! looked up as it is now.

use std::collections::BTreeMap;

use engine::{Engine, EngineError, links, markdown, offers};
use model::blocks::{Block, PageContent, Target};
use model::contacts::Contact;
use model::ids::{ContactId, FileId};
use model::offers::{Closes, Deadline, Since};
use model::sites::Site;
use model::sources::Touch;
use model::{Money, UtcMs};
use serde::Serialize;
use store::Session;

use crate::error::WebError;
use crate::public::form_view::{FormView, Origin};

/// Who looks at the page, and when.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When.
    pub now: UtcMs,
    /// Whose link was followed, where a signed one was: their own deadlines are shown.
    contact: Option<ContactId>,
    /// What goes on with links to the checkout.
    carry: String,
    origin: Origin,
}

impl Visit {
    /// Somebody without a past.
    pub fn plain(site: &Site, now: UtcMs) -> Self {
        let origin = Origin { landing: site.url("/"), ..Origin::default() };
        Self { now, contact: None, carry: String::new(), origin }
    }

    /// Somebody who asked for `path?query`.
    pub fn of(
        engine: &Engine,
        site: &Site,
        path: &str,
        query: &str,
        touch: Touch,
        now: UtcMs,
    ) -> Self {
        let asked = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let contact = asked("c").and_then(|token| links::reader_of(engine, &token));
        let code = asked("r").unwrap_or_default();
        let landing = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let origin = Origin {
            landing: site.url(&landing),
            referrer: touch.referrer.map(|host| format!("https://{host}/")).unwrap_or_default(),
            code,
        };
        let carry = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self { now, contact, carry, origin }
    }
}

/// One block, ready to be drawn.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockView {
    /// The first thing one reads.
    Hero {
        title: String,
        lead: String,
        kicker: String,
        image: Option<Picture>,
        form: Option<FormView>,
        action: Option<Action>,
    },
    /// Text.
    Text { html: String },
    /// A picture.
    Image { image: Picture, caption: String },
    /// A film of ours.
    Film { src: String, poster: Option<String>, title: String },
    /// A film elsewhere: a still picture that links to it.
    FilmLink { href: String, poster: Option<String>, title: String },
    /// An opt-in form.
    Form { form: FormView },
    /// A price.
    Price { offer: PriceView },
    /// A deadline.
    Deadline { at: UtcMs, over: bool, text: String },
    /// A deadline that is each reader's own, seen by nobody in particular.
    OwnDeadline { lasts: String, since: &'static str },
    /// What customers said; neighbours stand together.
    Testimonials { items: Vec<Quote> },
    /// Questions.
    Faq { title: String, items: Vec<Answered> },
    /// What the seller stands for.
    Guarantee { title: String, html: String },
    /// One clear thing to do.
    Cta { title: String, text: String, action: Action },
    /// What was bought with a product.
    AlsoBought { title: String, items: Vec<Item> },
}

/// A stored picture.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    src: String,
    alt: String,
}

impl Picture {
    /// The picture of a product.
    pub(crate) fn of(image: Option<FileId>, product: &str) -> Option<Self> {
        image.map(|id| Self { src: format!("/media/{id}"), alt: product.to_owned() })
    }
}

/// A button.
#[derive(Debug, Serialize)]
pub struct Action {
    href: String,
    label: String,
}

/// A price as it is now.
#[derive(Debug, Serialize)]
pub struct PriceView {
    name: String,
    price: Money,
    was: Option<Money>,
    points: Vec<String>,
    href: String,
    label: String,
    note: Option<String>,
    open: bool,
    /// What is said where it is not.
    closed: &'static str,
}

/// What a customer said.
#[derive(Debug, Serialize)]
pub struct Quote {
    quote: String,
    name: String,
    role: String,
}

/// A question and its answer.
#[derive(Debug, Serialize)]
pub struct Answered {
    question: String,
    answer_html: String,
}

/// A product in a grid.
#[derive(Debug, Serialize)]
pub struct Item {
    name: String,
    href: String,
    text: String,
    price: Option<Money>,
    image: Option<Picture>,
}

/// What a page names, as it is now.
struct Known {
    contact: Option<Contact>,
    offers: BTreeMap<String, offers::State>,
    forms: BTreeMap<String, FormView>,
    files: BTreeMap<String, String>,
    items: BTreeMap<String, Vec<Item>>,
}

/// The blocks of a page ready to be drawn, and when the next of them changes by itself.
///
/// # Errors
/// The database fails. A name that is gone leaves its block out; it never breaks the page.
pub async fn views(
    session: &mut Session<'_>,
    engine: &Engine,
    site: &Site,
    content: &PageContent,
    visit: &Visit,
) -> Result<(Vec<BlockView>, Option<UtcMs>), WebError> {
    let known = known(session, engine, site, content, visit).await?;
    let changes = known.offers.values().filter_map(|state| state.closes.instant());
    let changes = changes.filter(|at| *at > visit.now).min();
    let mut blocks: Vec<BlockView> = Vec::new();
    for block in &content.blocks {
        match (view(block, &known, visit), blocks.last_mut()) {
            (
                Some(BlockView::Testimonials { items }),
                Some(BlockView::Testimonials { items: all }),
            ) => {
                all.extend(items);
            }
            (Some(view), _) => blocks.push(view),
            (None, _) => {}
        }
    }
    Ok((blocks, changes))
}

async fn known(
    session: &mut Session<'_>,
    engine: &Engine,
    site: &Site,
    content: &PageContent,
    visit: &Visit,
) -> Result<Known, WebError> {
    let contact = match visit.contact {
        Some(id) => store::contacts::find(session, site.id, id).await?,
        None => None,
    };
    let contact = contact.filter(|contact| !contact.is_erased());
    let mut known = Known {
        contact,
        offers: BTreeMap::new(),
        forms: BTreeMap::new(),
        files: BTreeMap::new(),
        items: BTreeMap::new(),
    };
    for (kind, slug) in content.references() {
        match kind {
            "offer" => known.add_offer(session, site, slug, visit).await?,
            "form" => known.add_form(session, engine, site, slug, visit).await?,
            "product" => known.add_items(session, site, slug).await?,
            _ => {}
        }
    }
    for name in content.files() {
        if let Some(file) = store::files::find_shown(session, site.id, name).await? {
            known.files.insert(name.to_owned(), format!("/media/{}", file.id));
        }
    }
    Ok(known)
}

impl Known {
    async fn add_offer(
        &mut self,
        session: &mut Session<'_>,
        site: &Site,
        slug: &str,
        visit: &Visit,
    ) -> Result<(), WebError> {
        let contact = self.contact.as_ref();
        match offers::state_for(session, site.id, slug, contact, visit.now).await {
            Ok(state) => drop(self.offers.insert(slug.to_owned(), state)),
            Err(EngineError::Missing { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    async fn add_form(
        &mut self,
        session: &mut Session<'_>,
        engine: &Engine,
        site: &Site,
        slug: &str,
        visit: &Visit,
    ) -> Result<(), WebError> {
        let found = store::forms::find_by_slug(session, site.id, slug).await?;
        // A retired one takes no answers: what is typed into it would be lost.
        if let Some(form) = found.filter(|form| form.is_live) {
            let view = FormView::new(engine, &form, &visit.origin, visit.now);
            self.forms.insert(slug.to_owned(), view);
        }
        Ok(())
    }

    async fn add_items(
        &mut self,
        session: &mut Session<'_>,
        site: &Site,
        slug: &str,
    ) -> Result<(), WebError> {
        let Some(product) = store::products::find_by_slug(session, site.id, slug).await? else {
            return Ok(());
        };
        let found = engine::also_bought::for_product(session, site.id, product.id, &[], 6).await?;
        let items = found.into_iter().map(|one| Item {
            href: format!("/buy/{}", one.offer_slug),
            text: one.summary,
            price: Some(one.price),
            image: Picture::of(one.image, &one.name),
            name: one.name,
        });
        self.items.insert(slug.to_owned(), items.collect());
        Ok(())
    }

    fn picture(&self, name: Option<&String>, alt: &str) -> Option<Picture> {
        let src = self.files.get(name?)?.clone();
        Some(Picture { src, alt: alt.to_owned() })
    }
}

fn view(block: &Block, known: &Known, visit: &Visit) -> Option<BlockView> {
    Some(match block {
        Block::Hero { title, text, eyebrow, image, image_alt, form, link, button } => {
            BlockView::Hero {
                title: title.clone(),
                lead: text.clone(),
                kicker: eyebrow.clone(),
                image: known.picture(image.as_ref(), image_alt),
                form: form.as_ref().and_then(|slug| known.forms.get(slug)).cloned(),
                action: link.as_ref().map(|link| action(link, button, visit)),
            }
        }
        Block::Text { text } => BlockView::Text { html: markdown::to_html(text) },
        Block::Image { image, alt, caption } => {
            BlockView::Image { image: known.picture(Some(image), alt)?, caption: caption.clone() }
        }
        Block::Video { file, poster, url, title } => film(known, file, poster, url, title)?,
        Block::Form { form, title, text } => {
            let form = known.forms.get(form)?.clone();
            let own = title.is_empty() && text.is_empty();
            BlockView::Form { form: if own { form } else { form.headed(title, text) } }
        }
        Block::Price { offer, includes, button, compare } => {
            let state = known.offers.get(offer)?;
            BlockView::Price { offer: price(state, includes, button, *compare, visit) }
        }
        Block::Deadline { offer, text } => deadline(known.offers.get(offer)?, text, visit.now)?,
        Block::Testimonial { quote, name, role } => BlockView::Testimonials {
            items: vec![Quote { quote: quote.clone(), name: name.clone(), role: role.clone() }],
        },
        Block::Faq { title, items } => BlockView::Faq {
            title: title.clone(),
            items: items
                .iter()
                .map(|item| Answered {
                    question: item.question.clone(),
                    answer_html: markdown::to_html(&item.answer),
                })
                .collect(),
        },
        Block::Guarantee { title, text } => {
            BlockView::Guarantee { title: title.clone(), html: markdown::to_html(text) }
        }
        Block::CallToAction { title, text, link, button } => BlockView::Cta {
            title: title.clone(),
            text: text.clone(),
            action: action(link, button, visit),
        },
        Block::AlsoBought { product, title } => {
            let items = known.items.get(product.as_ref()?)?;
            also_bought(title, items)?
        }
        // The checkout is a page of its own; here stands the way to it, with the price.
        Block::Checkout { offer } => {
            let state = known.offers.get(offer)?;
            BlockView::Price { offer: price(state, &[], "", true, visit) }
        }
    })
}

fn also_bought(title: &str, items: &[Item]) -> Option<BlockView> {
    let title = if title.is_empty() { "Readers also bought" } else { title };
    let items: Vec<Item> = items
        .iter()
        .map(|item| Item {
            name: item.name.clone(),
            href: item.href.clone(),
            text: item.text.clone(),
            price: item.price,
            image: item.image.clone(),
        })
        .collect();
    (!items.is_empty()).then(|| BlockView::AlsoBought { title: title.to_owned(), items })
}

fn film(
    known: &Known,
    file: &Option<String>,
    poster: &Option<String>,
    url: &Option<String>,
    title: &str,
) -> Option<BlockView> {
    let poster = known.picture(poster.as_ref(), "").map(|picture| picture.src);
    let title = title.to_owned();
    Some(match (file, url) {
        (Some(name), _) => BlockView::Film { src: known.files.get(name)?.clone(), poster, title },
        (None, Some(url)) => BlockView::FilmLink { href: url.clone(), poster, title },
        (None, None) => return None,
    })
}

fn action(link: &Target, label: &str, visit: &Visit) -> Action {
    let href = match link {
        Target::Offer(slug) => format!("/buy/{slug}{}", visit.carry),
        Target::Page(slug) => format!("/p/{slug}{}", visit.carry),
        Target::Anchor(name) => name.clone(),
        Target::Url(url) => url.clone(),
    };
    Action { href, label: if label.is_empty() { "Read on".to_owned() } else { label.to_owned() } }
}

fn price(
    state: &offers::State,
    points: &[String],
    button: &str,
    compare: bool,
    visit: &Visit,
) -> PriceView {
    let offer = &state.offer;
    let money = |minor| Money { minor, currency: offer.currency };
    PriceView {
        name: offer.title.clone(),
        price: money(offer.price_minor),
        was: offer.compare_minor.filter(|_| compare).map(money),
        points: points.to_vec(),
        href: format!("/buy/{}{}", offer.slug, visit.carry),
        label: if button.is_empty() { offer.button.clone() } else { button.to_owned() },
        note: offer.stock_left().map(|left| match left {
            0 => "Sold out.".to_owned(),
            left => format!("{left} left."),
        }),
        open: state.open,
        closed: match state.closes {
            Closes::NotStarted => "This offer is not open to you yet.",
            _ => "This offer has ended.",
        },
    }
}

fn deadline(state: &offers::State, text: &str, now: UtcMs) -> Option<BlockView> {
    match (state.closes, state.offer.deadline) {
        (Closes::At(at), _) => {
            let text = if text.is_empty() { "Open until" } else { text };
            Some(BlockView::Deadline { at, over: now >= at, text: text.to_owned() })
        }
        (Closes::NotStarted, Deadline::Evergreen { lasts, since }) => {
            Some(BlockView::OwnDeadline { lasts: lasts.to_string(), since: from_when(since) })
        }
        _ => None,
    }
}

/// What a reader does that starts a deadline of their own.
fn from_when(since: Since) -> &'static str {
    match since {
        Since::Confirmed => "you confirm your address",
        Since::Enrolled => "your first mail of the series",
        Since::Shown => "you first open it from a mail",
        Since::Bought => "your first order",
    }
}

/// One of each, for the render-all test.
pub fn sample() -> Vec<BlockView> {
    let price = Money::parse("19.00 USD").ok();
    let mut all = vec![
        BlockView::Hero {
            title: "Write on paper".to_owned(),
            lead: "A book about slow words.".to_owned(),
            kicker: "A small book".to_owned(),
            image: Some(Picture { src: "/media/x".to_owned(), alt: "The cover".to_owned() }),
            form: None,
            action: Some(Action { href: "/buy/book".to_owned(), label: "Buy it".to_owned() }),
        },
        BlockView::Text { html: markdown::to_html("Some **text**.") },
        BlockView::Form { form: FormView::sample() },
        BlockView::Deadline { at: UtcMs(0), over: false, text: "Open until".to_owned() },
        BlockView::OwnDeadline { lasts: "3 days".to_owned(), since: "your first order" },
        BlockView::Film { src: "/media/f".to_owned(), poster: None, title: "A film".to_owned() },
        BlockView::FilmLink {
            href: "https://films.example/1".to_owned(),
            poster: None,
            title: "A film".to_owned(),
        },
        BlockView::Testimonials {
            items: vec![Quote {
                quote: "I read it twice.".to_owned(),
                name: "Ada".to_owned(),
                role: "Reader".to_owned(),
            }],
        },
        BlockView::Faq {
            title: "Questions".to_owned(),
            items: vec![Answered {
                question: "Is it long?".to_owned(),
                answer_html: "<p>No.</p>".to_owned(),
            }],
        },
        BlockView::Guarantee { title: "30 days".to_owned(), html: "<p>Money back.</p>".to_owned() },
        BlockView::Cta {
            title: "Ready?".to_owned(),
            text: "It takes a minute.".to_owned(),
            action: Action { href: "/buy/book".to_owned(), label: "Buy it".to_owned() },
        },
    ];
    if let Some(price) = price {
        all.push(BlockView::Price {
            offer: PriceView {
                name: "The book".to_owned(),
                price,
                was: Some(price),
                points: vec!["PDF and EPUB".to_owned()],
                href: "/buy/book".to_owned(),
                label: "Buy it".to_owned(),
                note: None,
                open: true,
                closed: "This offer has ended.",
            },
        });
    }
    all
}
