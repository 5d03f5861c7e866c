//! A small shop for tests: a front-end e-book with a bump, an upsell, a downsell and a back-end
//! offer, and what it takes to buy there as a browser does.

use engine::checkout::{Form, Placed};
use engine::{offers, paths, products};
use model::coupons::{Coupon, CouponCode, Cut};
use model::ids::{CouponId, OfferId, OrderId, PathId, ProductId};
use model::money::Rate;
use model::offers::Deadline;
use model::products::{OfferState, ProductState, Role};
use model::tokens::secret_text;
use model::{Currency, Money};

use crate::app::{Answer, TestApp};

/// What stands in the shop.
#[derive(Debug, Clone, Copy)]
pub struct Shop {
    /// `guide`, 19 dollars.
    pub guide: (ProductId, OfferId),
    /// `checklists`, 7 dollars, the bump.
    pub checklists: (ProductId, OfferId),
    /// `course`, 97 dollars, the upsell.
    pub course: (ProductId, OfferId),
    /// `workbook`, 37 dollars, the downsell.
    pub workbook: (ProductId, OfferId),
    /// `club`, 29 dollars, the back-end offer.
    pub club: (ProductId, OfferId),
    /// The path that joins them.
    pub path: PathId,
}

/// Dollars and cents.
pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A product of a shop.
pub fn product(slug: &str, name: &str, role: Role) -> products::Draft {
    products::Draft {
        id: None,
        version: None,
        slug: slug.to_owned(),
        name: name.to_owned(),
        summary: format!("{name}, in two sentences."),
        description: String::new(),
        role,
        state: ProductState::Active,
        cost: usd(100),
        image: None,
        files: None,
    }
}

/// An offer of it, without an end.
pub fn offer(slug: &str, product: &str, price: Money) -> offers::Draft {
    offers::Draft {
        id: None,
        version: None,
        slug: slug.to_owned(),
        product: product.to_owned(),
        title: String::new(),
        pitch: "What it is *for*.".to_owned(),
        button: String::new(),
        price,
        compare: None,
        deadline: Deadline::None,
        quantity_max: 5,
        stock: None,
        state: OfferState::Active,
    }
}

/// A coupon of so many percent.
pub fn coupon(code: &str, percent: u32) -> Coupon {
    Coupon {
        id: CouponId(0),
        code: CouponCode::parse(code).unwrap(),
        cut: Cut::Percent(Rate { ppm: percent * 10_000 }),
        active: true,
        starts_at: None,
        ends_at: None,
        uses_max: None,
        per_contact_max: None,
        minimum: None,
        products: Vec::new(),
        first_order: false,
        customers_only: false,
    }
}

impl TestApp {
    /// Puts a product and its offer of the same name into the shop.
    pub async fn sell(
        &self,
        slug: &str,
        name: &str,
        role: Role,
        price: Money,
    ) -> (ProductId, OfferId) {
        let site = self.site.id;
        let made = products::put(&self.engine, site, product(slug, name, role)).await.unwrap();
        let offer = offers::put(&self.engine, site, offer(slug, slug, price)).await.unwrap();
        (made, offer)
    }

    /// Puts the whole small shop in place.
    pub async fn stock_shop(&self) -> Shop {
        let guide = self.sell("guide", "The guide", Role::Front, usd(1900)).await;
        let checklists = self.sell("checklists", "The checklists", Role::Front, usd(700)).await;
        let course = self.sell("course", "The course", Role::Back, usd(9700)).await;
        let workbook = self.sell("workbook", "The workbook", Role::Back, usd(3700)).await;
        let club = self.sell("club", "The club", Role::Back, usd(2900)).await;
        let path = self.path("guide", "checklists", &[("course", "workbook")]).await;
        Shop { guide, checklists, course, workbook, club, path }
    }

    /// A path over offers by slug, `club` being its back-end offer.
    pub async fn path(&self, main: &str, bump: &str, levels: &[(&str, &str)]) -> PathId {
        let draft = paths::Draft {
            id: None,
            version: None,
            slug: main.to_owned(),
            name: main.to_owned(),
            main: main.to_owned(),
            bump: bump.to_owned(),
            levels: levels.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            back_end_offer: "club".to_owned(),
            back_end_coupon: String::new(),
            active: true,
        };
        paths::put(&self.engine, self.site.id, draft).await.unwrap()
    }

    /// A coupon, stored.
    pub async fn coupon(&self, coupon: Coupon) -> CouponId {
        let draft = engine::coupons::Draft { coupon, note: String::new() };
        engine::coupons::put(&self.engine, self.site.id, draft).await.unwrap()
    }

    /// A filled-in checkout form for `total`, with a fresh token and a card that succeeds.
    pub fn checkout_form(&self, email: &str, total: i64) -> Form {
        Form {
            token: secret_text(&self.engine.rng().bytes()),
            email: email.to_owned(),
            name: "Iris Calloway".to_owned(),
            quantity: "1".to_owned(),
            method: "succeeds".to_owned(),
            shown_total: Some(total),
            ..Form::default()
        }
    }

    /// Places an order past the pages.
    pub async fn place(&self, offer: &str, form: Form) -> engine::Result<OrderId> {
        match engine::checkout::place(&self.engine, &self.site, offer, form).await? {
            Placed::Order(order) => Ok(order),
            Placed::Stale(quote) => panic!("stale: {:?}", quote.totals),
        }
    }

    /// An order with its lines and attempts.
    pub async fn order(&self, id: OrderId) -> engine::orders::Whole {
        engine::orders::get(&self.engine, self.site.id, id).await.unwrap()
    }

    /// The order of a checkout's token, likewise.
    pub async fn order_of(&self, token: &str) -> engine::orders::Whole {
        engine::orders::by_token(&self.engine, &self.site, token).await.unwrap()
    }

    /// What `verify` finds; nothing, where all is well.
    pub async fn findings(&self) -> Vec<engine::verify::Finding> {
        engine::verify::run(&self.engine.reader()).await.unwrap()
    }

    /// A contact who wants mail: bought a leaflet with the newsletter ticked, and confirmed it by
    /// the receipt's button.
    pub async fn subscribe(&self, email: &str) {
        self.sell("leaflet", "The leaflet", Role::Front, usd(100)).await;
        let mut form = self.checkout_form(email, 100);
        form.newsletter = true;
        self.place("leaflet", form).await.unwrap();
        self.run_until_idle().await;
        let path = self.mail_to(email).path("/confirm/");
        let page = self.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let confirmed = self.post(&path, &[]).await;
        assert!(confirmed.status.is_success() || confirmed.status.is_redirection());
        self.run_until_idle().await;
    }

    /// The contact with an address.
    pub async fn contact(&self, email: &str) -> model::contacts::Contact {
        let (site, key) = (self.site.id, model::EmailAddr::parse(email).unwrap().key());
        self.engine
            .reader()
            .read::<_, engine::EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::contacts::find_by_key(session, site, &key).await?) },
                )
            })
            .await
            .unwrap()
            .unwrap()
    }

    /// The path that a mail's link to `part` leads to, followed where it is a tracked one.
    pub async fn follow(&self, mail: &crate::Mail, part: &str) -> String {
        let words = mail.text.split(|c: char| c.is_whitespace() || "<>()".contains(c));
        for link in words.filter(|word| word.starts_with("http")) {
            let path = link.split_once("shop.example").map_or(link, |(_, path)| path);
            if path.contains(part) {
                return path.to_owned();
            }
            if path.starts_with("/l/") {
                let onward = self.get(path).await.location().to_owned();
                if onward.contains(part) {
                    return onward
                        .split_once("shop.example")
                        .map_or(onward.clone(), |(_, p)| p.to_owned());
                }
            }
        }
        panic!("no link to {part} in:\n{}", mail.text)
    }

    /// Buys through the pages: opens the checkout, fills it in, sends it.
    pub async fn buy(&self, offer: &str, fields: &[(&str, &str)]) -> Bought {
        let page = self.get(&format!("/buy/{offer}")).await;
        let token = page.hidden("token");
        let mut all: Vec<(&str, &str)> = vec![
            ("token", &token),
            ("email", "iris@example.org"),
            ("name", "Iris Calloway"),
            ("quantity", "1"),
            ("method", "succeeds"),
        ];
        let total = page.hidden("shown_total");
        if !fields.iter().any(|(name, _)| *name == "shown_total") {
            all.push(("shown_total", &total));
        }
        all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        all.extend_from_slice(fields);
        let answer = self.post(&format!("/buy/{offer}"), &all).await;
        Bought { token, answer }
    }
}

/// What a purchase through the pages came to.
#[derive(Debug)]
pub struct Bought {
    /// The token of the order.
    pub token: String,
    /// What the form was answered with.
    pub answer: Answer,
}

impl Answer {
    /// The page with the escapes of addresses and quotes undone.
    pub fn plain(&self) -> String {
        let pairs =
            [("&#x2f;", "/"), ("&#39;", "'"), ("&#x27;", "'"), ("&quot;", "\""), ("&amp;", "&")];
        pairs.iter().fold(self.body.clone(), |text, (escaped, plain)| text.replace(escaped, plain))
    }

    /// The value of a hidden field of the page.
    pub fn hidden(&self, name: &str) -> String {
        let (mark, body) = (format!("name=\"{name}\" value=\""), self.body.replace("&#x2f;", "/"));
        let at = body.find(&mark).unwrap_or_else(|| panic!("no field {name}: {body}"));
        let rest = &body[at + mark.len()..];
        rest[..rest.find('"').unwrap()].to_owned()
    }

    /// The address of the first form whose address ends like this.
    pub fn form(&self, ends: &str) -> String {
        self.plain()
            .split("action=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .find(|action| action.ends_with(ends))
            .unwrap_or_else(|| panic!("no form {ends}: {}", self.body))
            .to_owned()
    }
}
