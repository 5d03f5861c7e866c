//! A year of the sample shop, lived through the engine under a clock that is moved: nothing here
//! writes a row, everything goes the way a visitor's own press of a button goes.

use std::sync::Arc;

use engine::checkout::{Form, Placed};
use engine::forms::LiveForm;
use engine::upsell::Step;
use engine::views::{By, OwnAct};
use engine::{
    Clock, Engine, EngineError, checkout, clicks, confirmations, forms, opt_in, orders, recounts,
    referrals, refund, segments, spends, sweeps, unsubscribe, upsell, views,
};
use model::audits::Actor;
use model::contacts::{Contact, Status};
use model::ids::{ContactId, MessageId, OrderId, SpendId};
use model::messages::{SourceKind, State};
use model::segments::{ANY_SCORE, Cells, Rule, Statement};
use model::sites::Site;
use model::spans::day_of;
use model::spends::Spend;
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::tokens::{Purpose, secret_text};
use model::views::View;
use model::{EmailAddr, UtcMs, zones::Zone};

use super::agenda::{Act, Agenda};
use super::people::{Dice, Person};

/// Days of history, where nothing else is asked for.
pub const DAYS: i64 = 365;
/// How often in a day the workers run.
const ROUNDS: i64 = 4;
/// The seed: the same shop every time.
const SEED: u64 = 8095;
const FORM: &str = "first-loaf";
const BOOK: &str = "weekday-bread";
const COURSE: &str = "sourdough-course";
const AGAIN: &str = "BAKEAGAIN";
/// What is bought a second time.
const SECOND: &[&str] =
    &["flatbreads", "holiday-breads", "pizza-night", "rye-class", "sourdough-course"];

/// Lives the `days` that end at `end`.
///
/// # Errors
/// The engine failed, or a story refused what it should not.
pub async fn live(engine: &Engine, site: &Site, days: i64, end: UtcMs) -> anyhow::Result<()> {
    let mut year = Year {
        engine,
        site,
        clock: engine.clock().clone(),
        form: forms::live(engine, site.id, FORM).await?,
        zone: Zone::parse(&site.timezone).map_err(EngineError::from)?,
        dice: Dice::new(SEED),
        people: Vec::new(),
        agenda: Agenda::default(),
        seen_to: MessageId(0),
    };
    let begin = end.plus_days(-days);
    for day in 0..days {
        let morning = begin.plus_days(day);
        year.clock.set(morning.max(year.clock.now()));
        year.plan_day(day, morning);
        year.spend(day, morning).await?;
        for round in 1..=ROUNDS {
            let until = morning.plus_ms(round * DAY_MS / ROUNDS);
            year.until(until.min(end)).await?;
        }
    }
    keep_segments(engine, site).await?;
    recounts::run_due(engine).await?;
    Ok(())
}

/// What the owner looks at again and again.
async fn keep_segments(engine: &Engine, site: &Site) -> anyhow::Result<()> {
    let (is, cells) = (Rule::Is, |r, f| Statement::Rfm(Cells { r, f, m: ANY_SCORE }));
    let willing = is(Statement::Status(Status::Confirmed));
    let once = Rule::Not(Box::new(is(Statement::OrdersAtLeast(2))));
    let all = [
        ("Best customers", is(cells((4, 5), (4, 5)))),
        ("Slipping away", is(cells((2, 3), (4, 5)))),
        ("Readers who bought once", Rule::All(vec![willing, is(Statement::Customer), once])),
    ];
    for (name, rule) in &all {
        segments::keep(engine, Actor::Console, site.id, (name, rule)).await?;
    }
    Ok(())
}

struct Year<'e> {
    engine: &'e Engine,
    site: &'e Site,
    clock: Clock,
    form: Arc<LiveForm>,
    zone: Zone,
    dice: Dice,
    people: Vec<Person>,
    agenda: Agenda,
    /// The newest message whose reader has been decided about.
    seen_to: MessageId,
}

impl Year<'_> {
    /// Everything up to `until`, and then a round of the workers.
    async fn until(&mut self, until: UtcMs) -> anyhow::Result<()> {
        while let Some((at, act)) = self.agenda.next_before(until) {
            self.clock.set(at.max(self.clock.now()));
            if let Err(error) = self.act(act.clone()).await {
                // People are refused now and then: a coupon is used up, a link is over.
                match error.downcast_ref::<EngineError>() {
                    Some(refused) if !refused.is_fault() => {
                        tracing::debug!(?act, %refused, "somebody was refused");
                    }
                    _ => return Err(error.context(format!("{act:?}"))),
                }
            }
        }
        self.clock.set(until.max(self.clock.now()));
        sweeps::run_until_idle(self.engine).await?;
        self.read_mails(until).await
    }

    /// Who comes today.
    fn plan_day(&mut self, day: i64, morning: UtcMs) {
        // The shop grows: two a day at first, four at the end.
        let visitors = self.dice.between(1, 3) + i64::from(self.dice.chance(20)) + day / 180;
        for _ in 0..visitors {
            let person = self.dice.person(self.people.len());
            let at = morning.plus_ms(self.dice.between(7 * HOUR_MS, 22 * HOUR_MS));
            self.agenda.add(at, Act::OptIn(self.people.len()));
            self.people.push(person);
        }
        if self.dice.chance(14) {
            let person = self.dice.person(self.people.len());
            let at = morning.plus_ms(self.dice.between(7 * HOUR_MS, 22 * HOUR_MS));
            let offer = self.dice.pick(SECOND).unwrap_or(BOOK);
            let coupon = if person.way.touch(at).utm.medium.as_deref() == Some("print") {
                "HELLO10"
            } else {
                ""
            };
            self.agenda.add(at, Act::Buy(self.people.len(), offer, coupon));
            self.people.push(person);
        }
        self.visits(morning, visitors);
    }

    /// Someone looks at pages. Some browsers ask not to be told apart.
    fn looks(&self, person: &Person, pages: &[&str]) {
        let at = self.clock.now();
        for page in pages {
            let view = View {
                at,
                day: day_of(at, &self.zone),
                page: (*page).to_owned(),
                origin: person.way.origin(),
                visitor: person.browser(),
            };
            views::count(self.engine, self.site.id, view);
        }
    }

    /// And says who they are.
    fn acts(&self, person: &Person, contact: ContactId, by: By) {
        let at = self.clock.now();
        let Some(visitor) = person.browser() else { return };
        let act = OwnAct { at, day: day_of(at, &self.zone), visitor, contact, by };
        views::acted(self.engine, self.site.id, act);
    }

    /// Strangers' page views.
    fn visits(&self, morning: UtcMs, visitors: i64) {
        let day = day_of(morning, &self.zone);
        let count = |page: &str, times: i64| {
            for _ in 0..times {
                let visitor = format!("{}", self.dice.between(1, 40));
                let view = View {
                    at: morning,
                    day,
                    page: page.to_owned(),
                    origin: self.dice.way().origin(),
                    visitor: Some(visitor),
                };
                views::count(self.engine, self.site.id, view);
            }
        };
        count("/", visitors * self.dice.between(3, 6));
        count("/p/weekday-bread", self.dice.between(3, 9));
        count("/p/sourdough-course", self.dice.between(0, 4));
        count("/a/why-your-dough-sticks", self.dice.between(2, 8));
        count("/a/bread-without-an-oven", self.dice.between(0, 5));
    }

    /// Advertisements are paid by the week.
    async fn spend(&self, day: i64, morning: UtcMs) -> anyhow::Result<()> {
        if day % 7 != 0 {
            return Ok(());
        }
        let date = |at: UtcMs| self.zone.local(at).date().to_string();
        let (from_day, to_day) = (date(morning), date(morning.plus_days(6)));
        let row = |channel: &str, campaign: &str, cents: i64| {
            let spend = Spend {
                id: SpendId(0),
                channel: channel.to_owned(),
                campaign: campaign.to_owned(),
                from_day: from_day.clone(),
                to_day: to_day.clone(),
                amount_minor: cents,
                currency: self.site.currency.clone(),
                clicks: Some(cents / 150),
                impressions: Some(cents),
                note: String::new(),
                created_at: morning,
            };
            (format!("demo {channel} {from_day}"), spend)
        };
        // More than the first sale brings: the second one earns it back.
        let grown = 100 + day / 4;
        let rows = vec![
            row("facebook", "first-loaf", self.dice.between(57, 91) * grown),
            row("google", "bread-book", self.dice.between(27, 46) * grown),
        ];
        spends::add(self.engine, Actor::Console, self.site.id, rows).await?;
        Ok(())
    }

    async fn act(&mut self, act: Act) -> anyhow::Result<()> {
        match act {
            Act::OptIn(who) => self.opt_in(who).await,
            Act::Confirm(who) => self.confirm(who).await,
            Act::ComeBack(who) => self.come_back(who).await,
            Act::Buy(who, offer, coupon) => self.buy(who, offer, coupon).await,
            Act::Refund(order) => self.refund(order).await,
            Act::Leave(who) => self.leave(who).await,
            Act::Click(message) => self.click(message).await,
            Act::Recommend(who) => self.recommend(who).await,
        }
    }

    fn later(&mut self, from_ms: i64, to_ms: i64, act: Act) {
        let at = self.clock.now().plus_ms(self.dice.between(from_ms, to_ms));
        self.agenda.add(at, act);
    }

    fn person(&self, who: usize) -> anyhow::Result<Person> {
        self.people.get(who).cloned().ok_or_else(|| anyhow::anyhow!("nobody has this number"))
    }

    async fn contact(&self, who: usize) -> anyhow::Result<Option<Contact>> {
        let key = EmailAddr::parse(&self.person(who)?.email).map_err(EngineError::from)?.key();
        let site = self.site.id;
        let reader = self.engine.reader();
        let found = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::contacts::find_by_key(session, site, &key).await?) })
        });
        Ok(found.await?)
    }

    async fn opt_in(&mut self, who: usize) -> anyhow::Result<()> {
        let person = self.person(who)?;
        let mut pairs = vec![
            ("first_name".to_owned(), person.first.to_owned()),
            ("email".to_owned(), person.email.clone()),
        ];
        if self.dice.chance(22) {
            pairs.push(("classes".to_owned(), "yes".to_owned()));
        }
        let mut touch = person.way.touch(self.clock.now());
        if !person.referral.is_empty() {
            touch.code = Some(person.referral.clone());
        }
        let answer = opt_in::Answer { pairs, touch, suspicion: None };
        self.looks(&person, &["/", "/p/weekday-bread"]);
        self.clock.advance_ms(self.dice.between(20, 200) * 1_000);
        let (site, form) = (self.site.clone().into(), Arc::clone(&self.form));
        if let Some(contact) = opt_in::submit(self.engine, site, form, answer).await? {
            self.acts(&person, contact, By::Form);
        }
        if self.dice.chance(79) {
            self.later(2 * MINUTE_MS, 5 * HOUR_MS, Act::Confirm(who));
        }
        Ok(())
    }

    async fn confirm(&mut self, who: usize) -> anyhow::Result<()> {
        let Some(contact) = self.contact(who).await? else { return Ok(()) };
        let (site, reader) = (self.site.id, self.engine.reader());
        let open = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::confirmations::last_open(session, site, contact.id).await?)
            })
        });
        let Some(open) = open.await? else { return Ok(()) };
        confirmations::confirm(self.engine, self.site, open.id).await?;
        if self.dice.chance(4) {
            self.later(10 * MINUTE_MS, 6 * HOUR_MS, Act::Buy(who, BOOK, ""));
        } else if self.dice.chance(13) {
            self.later(7 * DAY_MS, 13 * DAY_MS, Act::Buy(who, BOOK, ""));
        }
        if self.dice.chance(11) {
            self.later(3 * DAY_MS, 70 * DAY_MS, Act::Leave(who));
        }
        if self.dice.chance(14) {
            self.later(DAY_MS, 30 * DAY_MS, Act::ComeBack(who));
        }
        Ok(())
    }

    /// Asks for the free thing once more: the mail is lost, or it was read on another device.
    async fn come_back(&mut self, who: usize) -> anyhow::Result<()> {
        let person = self.person(who)?;
        let pairs = vec![
            ("first_name".to_owned(), person.first.to_owned()),
            ("email".to_owned(), person.email),
        ];
        let touch = self.dice.way_back().touch(self.clock.now());
        let answer = opt_in::Answer { pairs, touch, suspicion: None };
        opt_in::submit(self.engine, self.site.clone().into(), Arc::clone(&self.form), answer)
            .await?;
        Ok(())
    }

    async fn buy(
        &mut self,
        who: usize,
        offer: &'static str,
        coupon: &'static str,
    ) -> anyhow::Result<()> {
        let person = self.person(who)?;
        // Who is known comes back another way than the one they first came.
        let known = self.contact(who).await?.is_some();
        let way = if known { self.dice.way_back() } else { person.way };
        let mut touch = way.touch(self.clock.now());
        if !known {
            touch.code = (!person.referral.is_empty()).then(|| person.referral.clone());
        }
        let mut form = Form {
            token: secret_text(&self.dice.secret()),
            email: person.email.clone(),
            name: person.name(),
            country: person.country.to_owned(),
            quantity: "1".to_owned(),
            bump: self.dice.chance(36),
            coupon: coupon.to_owned(),
            newsletter: self.dice.chance(30),
            provider: "test".to_owned(),
            method: if self.dice.chance(5) { "declines" } else { "succeeds" }.to_owned(),
            referral: person.referral.clone(),
            source: serde_json::to_string(&touch)?,
            ..Form::default()
        };
        let declined = form.method == "declines";
        self.looks(&person, &["/p/sourdough-course"]);
        self.clock.advance_ms(self.dice.between(20, 200) * 1_000);
        let mut order = self.place(offer, &mut form).await?;
        if declined {
            // The card is declined; most take out another one.
            if !self.dice.chance(70) {
                return Ok(());
            }
            "succeeds".clone_into(&mut form.method);
            order = self.place(offer, &mut form).await?;
        }
        let Some(order) = order else { return Ok(()) };
        if let Some(contact) = self.contact(who).await? {
            self.acts(&person, contact.id, By::Order(order));
        }
        self.clock.advance_ms(self.dice.between(20, 90) * 1_000);
        self.walk_path(order).await?;
        self.after_order(who, order, offer);
        Ok(())
    }

    /// Sends the checkout form, and once more with the total that it was answered with.
    async fn place(&self, offer: &str, form: &mut Form) -> anyhow::Result<Option<OrderId>> {
        for _ in 0..2 {
            match checkout::place(self.engine, self.site, offer, form.clone()).await? {
                Placed::Order(order) => return Ok(Some(order)),
                Placed::Stale(quote) => form.shown_total = Some(quote.totals.total),
            }
        }
        Ok(None)
    }

    /// The offers after the checkout, each taken or left.
    async fn walk_path(&mut self, order: OrderId) -> anyhow::Result<()> {
        for _ in 0..8 {
            let whole = orders::get(self.engine, self.site.id, order).await?;
            let (engine, site) = (self.engine.clone(), self.site.clone());
            let now = self.clock.now();
            let found = whole.order.clone();
            let reader = self.engine.reader();
            let step = reader.read::<_, EngineError, _>(move |session| {
                Box::pin(async move { upsell::next(&engine, session, &site, &found, now).await })
            });
            let Step::Offer(step) = step.await? else { return Ok(()) };
            upsell::note_shown(self.engine, self.site, &whole.order, &step).await?;
            self.clock.advance_ms(self.dice.between(15, 120) * 1_000);
            let wanted = if step.kind == "upsell" { 17 } else { 13 };
            let offer = step.offer.id;
            if self.dice.chance(wanted) {
                upsell::accept(self.engine, self.site, order, offer, &step.token).await?;
            } else {
                upsell::decline(self.engine, self.site, order, offer).await?;
            }
        }
        Ok(())
    }

    fn after_order(&mut self, who: usize, order: OrderId, offer: &'static str) {
        if self.dice.chance(4) {
            self.later(3 * DAY_MS, 25 * DAY_MS, Act::Refund(order));
            return;
        }
        if offer == BOOK && self.dice.chance(6) {
            let soon = "course-for-readers";
            self.later(4 * DAY_MS, 9 * DAY_MS, Act::Buy(who, soon, ""));
        }
        if self.dice.chance(34) {
            let next = self.dice.pick(SECOND).unwrap_or(COURSE);
            let coupon = if self.dice.chance(60) { AGAIN } else { "" };
            self.later(12 * DAY_MS, 110 * DAY_MS, Act::Buy(who, next, coupon));
        }
        if self.dice.chance(16) {
            self.later(2 * DAY_MS, 40 * DAY_MS, Act::Recommend(who));
        }
    }

    async fn refund(&mut self, order: OrderId) -> anyhow::Result<()> {
        let why = ("not what I expected", Actor::Console);
        refund::refund(self.engine, self.site, order, refund::What::Whole, why).await?;
        Ok(())
    }

    async fn leave(&mut self, who: usize) -> anyhow::Result<()> {
        if let Some(contact) = self.contact(who).await? {
            unsubscribe::from_page(self.engine, self.site, contact.id, None).await?;
        }
        Ok(())
    }

    async fn recommend(&mut self, who: usize) -> anyhow::Result<()> {
        let Some(contact) = self.contact(who).await? else { return Ok(()) };
        let code = self.code_of(contact.id);
        let Some(signed) = referrals::signed(self.engine, self.site, &code).await? else {
            return Ok(());
        };
        let mut friend = self.dice.person(self.people.len());
        friend.referral = signed;
        let number = self.people.len();
        self.people.push(friend);
        self.later(HOUR_MS, 5 * DAY_MS, Act::OptIn(number));
        if self.dice.chance(60) {
            self.later(6 * DAY_MS, 16 * DAY_MS, Act::Buy(number, BOOK, ""));
        }
        Ok(())
    }

    /// The code in a customer's own link.
    fn code_of(&self, contact: ContactId) -> String {
        let link = referrals::link(self.engine, self.site, contact);
        link.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Some of those who got a mail of a sequence follow a link in it.
    async fn read_mails(&mut self, now: UtcMs) -> anyhow::Result<()> {
        let (site, reader) = (self.site.id, self.engine.reader());
        let newest = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::messages::list(session, site, MessageId(i64::MAX), 60).await?)
            })
        });
        let since = self.seen_to;
        for message in newest.await?.into_iter().filter(|message| message.id > since) {
            self.seen_to = self.seen_to.max(message.id);
            let from_us = message.source_kind == SourceKind::Sequence;
            if from_us && message.state == State::Accepted && self.dice.chance(38) {
                let at = now.plus_ms(self.dice.between(5 * MINUTE_MS, 30 * HOUR_MS));
                self.agenda.add(at, Act::Click(message.id));
            }
        }
        Ok(())
    }

    async fn click(&mut self, message: MessageId) -> anyhow::Result<()> {
        let token = self.engine.keys().sign(Purpose::Click, message.0, 1);
        let seen = clicks::Seen {
            method: "GET".to_owned(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0".to_owned(),
            prefetch: false,
            visitor: None,
        };
        clicks::follow(self.engine, self.site, &token, seen).await?;
        Ok(())
    }
}
