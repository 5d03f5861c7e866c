//! What the people of a simulated shop do.

use engine::checkout::{Form, Placed};
use engine::opt_in::Answer;
use engine::refund::What;
use engine::upsell::Step;
use model::ids::{ConfirmationId, ContactId, OrderId};
use model::orders::AttemptState;
use model::sources::Touch;
use model::tokens::secret_text;

use super::World;

/// Cards of the test provider, those that succeed more often.
const CARDS: [&str; 9] = [
    "succeeds",
    "succeeds",
    "succeeds",
    "declines",
    "asks",
    "times_out",
    "succeeds_then_declines",
    "succeeds_then_asks",
    "offline",
];
const OFFERS: [&str; 6] = [
    "weekday-bread",
    "weekday-bread",
    "weekday-bread",
    "flatbreads",
    "pizza-night",
    "course-for-readers",
];

impl World {
    /// Somebody does something.
    pub(super) async fn act(&mut self) {
        match self.rng.below(20) {
            0..=5 => self.opt_in().await,
            6..=9 => self.confirm().await,
            10..=13 => self.buy().await,
            14 => self.offers().await,
            15 => self.refund().await,
            16 => self.unsubscribe().await,
            17 => self.challenge().await,
            18 => self.click_unsubscribe().await,
            _ => self.mark_paid().await,
        }
    }

    /// A stranger, or someone who was here before.
    fn somebody(&mut self) -> String {
        let known = u64::try_from(self.people.len()).unwrap();
        if known > 0 && self.rng.below(4) == 0 {
            let at = usize::try_from(self.rng.below(known)).unwrap();
            return self.people[at].clone();
        }
        let kind = ["gone", "full", "spam"]
            .get(usize::try_from(self.rng.below(15)).unwrap())
            .unwrap_or(&"reader");
        let email = format!("{kind}-{known}@example.org");
        self.people.push(email.clone());
        email
    }

    async fn opt_in(&mut self) {
        let email = self.somebody();
        let site = self.site.clone();
        let form = engine::forms::live(&self.engine, site.id, "first-loaf").await;
        let Some(form) = self.judge("form", form) else { return };
        let mut pairs =
            vec![("email".to_owned(), email), ("first_name".to_owned(), "Robin".to_owned())];
        if self.rng.below(2) == 0 {
            pairs.push(("classes".to_owned(), "on".to_owned()));
        }
        let answer = Answer { pairs, touch: self.touch(), suspicion: None };
        let done = engine::opt_in::submit(&self.engine, site.into(), form, answer).await;
        self.judge("opt-in", done);
    }

    fn touch(&self) -> Touch {
        let source = ["search", "ads", "friends"];
        let source = source[usize::try_from(self.rng.below(3)).unwrap()];
        let landing = format!("/p/home?utm_source={source}");
        Touch::read(self.now(), &landing, None, &[])
    }

    async fn confirm(&mut self) {
        let open = "select id from confirmations where state = 'open' order by id";
        let Some(id) = self.one_of(open).await else { return };
        let site = self.site.clone();
        let done = engine::confirmations::confirm(&self.engine, &site, ConfirmationId(id)).await;
        self.judge("confirm", done);
    }

    async fn unsubscribe(&mut self) {
        let Some(id) = self.one_of("select id from contacts order by id").await else { return };
        let site = self.site.clone();
        let who = ContactId(id);
        let done = engine::unsubscribe::from_page(&self.engine, &site, who, None).await;
        self.judge("unsubscribe", done);
    }

    /// The button of a mail program, by the link of a mail.
    async fn click_unsubscribe(&mut self) {
        let sent = "select contact_id from messages where contact_id is not null
            and accepted_at is not null order by id";
        let Some(id) = self.one_of(sent).await else { return };
        let site = self.site.clone();
        let url = engine::links::unsubscribe_url_of(&self.engine, &site, ContactId(id));
        let token = url.rsplit('/').next().unwrap().to_owned();
        let done = engine::unsubscribe::one_click(&self.engine, &site, &token).await;
        self.judge("one-click", done);
    }

    async fn buy(&mut self) {
        let email = self.somebody();
        let card = CARDS[usize::try_from(self.rng.below(9)).unwrap()];
        let offer = OFFERS[usize::try_from(self.rng.below(6)).unwrap()];
        let mut form = Form {
            token: secret_text(&self.rng.bytes()),
            email,
            name: "Robin Reader".to_owned(),
            country: ["US", "DE"][usize::try_from(self.rng.below(2)).unwrap()].to_owned(),
            quantity: "1".to_owned(),
            bump: self.rng.below(2) == 0,
            newsletter: self.rng.below(3) == 0,
            method: card.to_owned(),
            ..Form::default()
        };
        // The first answer says what it comes to; a buyer whose page is gone presses again.
        for _ in 0..4 {
            let site = self.site.clone();
            let placed = engine::checkout::place(&self.engine, &site, offer, form.clone()).await;
            match self.judge("buy", placed) {
                Some(Placed::Stale(quote)) => form.shown_total = Some(quote.totals.total),
                Some(Placed::Order(_)) => return,
                None if self.engine.has_ended() => self.revive().await,
                None => return,
            }
            if self.engine.has_ended() && self.rng.below(2) == 0 {
                return;
            }
        }
    }

    async fn an_order(&self, sql: &'static str) -> Option<engine::orders::Whole> {
        let id = OrderId(self.one_of(sql).await?);
        Some(engine::orders::get(&self.engine, self.site.id, id).await.unwrap())
    }

    /// One click after the order, or a no.
    async fn offers(&mut self) {
        let sql = "select id from orders where state = 'paid' and closed_at is null order by id";
        let Some(whole) = self.an_order(sql).await else { return };
        let (it, site, now) = (self.engine.clone(), self.site.clone(), self.now());
        let (order, its_site) = (whole.order.clone(), site.clone());
        let step = self
            .engine
            .reader()
            .read::<_, engine::EngineError, _>(move |session| {
                Box::pin(
                    async move { engine::upsell::next(&it, session, &its_site, &order, now).await },
                )
            })
            .await;
        let (id, takes) = (whole.order.id, self.rng.below(2) == 0);
        match step.unwrap() {
            Step::Offer(step) if takes => {
                let (offer, token) = (step.offer.id, step.token.clone());
                let done = engine::upsell::accept(&self.engine, &site, id, offer, &token).await;
                self.judge("upsell", done);
            }
            Step::Offer(step) | Step::Retry(step, _) => {
                let done = engine::upsell::decline(&self.engine, &site, id, step.offer.id).await;
                self.judge("decline", done);
            }
            Step::Challenge(_) | Step::Checking | Step::Done => {}
        }
    }

    async fn refund(&mut self) {
        let sql = "select id from orders where captured_minor > refunded_minor + refunding_minor
            order by id";
        let Some(whole) = self.an_order(sql).await else { return };
        let what = match (self.rng.below(3), whole.lines.first()) {
            (0, Some(line)) => What::Line(line.id),
            (1, _) => What::Amount(100),
            _ => What::Whole,
        };
        let (site, by) = (self.site.clone(), ("asked for", model::audits::Actor::System));
        let done = engine::refund::refund(&self.engine, &site, whole.order.id, what, by).await;
        self.judge("refund", done);
    }

    /// The page of the bank: yes or no.
    async fn challenge(&mut self) {
        let sql = "select order_id from payments where state = 'requires_action'
            and provider = 'test' order by id";
        let Some(whole) = self.an_order(sql).await else { return };
        let waits = |state| state == AttemptState::RequiresAction;
        let Some(payment) = whole.payments.iter().find(|payment| waits(payment.state)) else {
            return;
        };
        let (site, order, says) = (self.site.clone(), whole.order.id, self.rng.below(3) > 0);
        let done =
            engine::pay::answer_challenge(&self.engine, &site, order, payment.id, says).await;
        self.judge("challenge", done);
    }

    /// The operator sees the money of a transfer.
    async fn mark_paid(&mut self) {
        let sql = "select id from orders where state = 'pending' and provider = 'offline'
            order by id";
        let Some(id) = self.one_of(sql).await else { return };
        let site = self.site.clone();
        let done = engine::pay::mark_paid(&self.engine, &site, OrderId(id)).await;
        self.judge("mark paid", done);
    }
}
