//! Kills while people buy.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::Rng;
use model::sites::Site;
use store::{Db, Durability, StoreError};
use tokio::task::JoinSet;

use super::{findings, number, wait_for_the_moment};
use crate::asking;
use crate::process::{Installation, Server};

/// How long the rest may take once nothing kills the program any more, in looks of [`LOOK_EVERY`].
const LOOKS_MAX: usize = 2_400;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Cards of the test provider: most succeed, some after their answer was lost.
const CARDS: [&str; 5] = ["succeeds", "times_out", "succeeds", "declines", "times_out"];
/// What is bought.
const OFFERS: [&str; 3] = ["weekday-bread", "flatbreads", "pizza-night"];

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often the program is killed.
    pub kills: usize,
    /// Buyers at once.
    pub buyers: usize,
    /// What the moments of the kills follow from.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How often the program was killed.
    pub kills: usize,
    /// Forms sent, and sent again after a kill.
    pub sent: (u64, u64),
    /// Orders that were made, and those that were paid.
    pub orders: (i64, i64),
    /// Charges in the provider's books.
    pub charges: i64,
    /// Paid lines without what was bought.
    pub without_goods: i64,
    /// Orders charged more than once.
    pub charged_twice: i64,
    /// Charges that no paid order answers for.
    pub unmatched: i64,
    /// What `tundish verify` found after any kill and at the end.
    pub findings: Vec<String>,
}

impl Outcome {
    /// What of the promise does not hold; nothing where all of it does.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = self.findings.clone();
        for (count, what) in [
            (self.without_goods, "lines are paid without their goods"),
            (self.charged_twice, "orders were charged twice"),
            (self.unmatched, "charges belong to no paid order"),
        ] {
            if count != 0 {
                broken.push(format!("{count} {what}"));
            }
        }
        broken
    }
}

/// A form that was sent and not answered: its buyer presses the button again.
type Pending = Arc<Mutex<Vec<(String, String)>>>;

/// What the buyers share.
#[derive(Clone)]
struct Buyers {
    rng: Rng,
    pending: Pending,
    sent: Arc<Mutex<(u64, u64)>>,
}

/// Lets people buy and kills the program while they do.
pub async fn run(installation: &Installation, plan: &Plan) -> Outcome {
    stock(installation).await;
    let rng = Rng::seeded(plan.seed);
    let buyers = Buyers { rng: rng.clone(), pending: Pending::default(), sent: Arc::default() };
    let settings = [("TUNDISH_LOG_LEVEL", "warn".to_owned())];
    let mut outcome = Outcome::default();
    for kill in 0..plan.kills {
        let server = installation.serve(&settings);
        let mut buying = JoinSet::new();
        for n in 0..plan.buyers {
            let (buyers, address) = (buyers.clone(), server.address.clone());
            buying.spawn(async move { buyers.buy(&address, kill * 1_000 + n).await });
        }
        wait_for_the_moment(&rng).await;
        server.kill();
        outcome.kills += 1;
        while buying.join_next().await.is_some() {}
        let db = installation.database().await;
        outcome.findings.extend(findings(&db).await);
        hurry(&db).await;
        db.close().await;
    }
    let server = installation.serve(&settings);
    buyers.press_again(&server.address).await;
    outcome.sent = *buyers.sent.lock().unwrap();
    finish(installation, server).await;
    sum_up(installation, &mut outcome).await;
    outcome
}

/// Puts the shop of `examples/ebook-shop` in place.
async fn stock(installation: &Installation) {
    let (engine, mut site) = installation.open(Durability::Answered).await;
    site.settings.test_payments = true;
    let hosts = vec!["127.0.0.1".to_owned()];
    engine::sites::put(&engine, site.clone(), hosts).await.unwrap();
    apply_example(&engine, &site).await;
    engine.db().close().await;
    engine.views().close().await;
}

/// Makes `site` the example shop.
pub async fn apply_example(engine: &engine::Engine, site: &Site) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ebook-shop/funnel.toml");
    let plan = engine::funnel::plan(engine, site, &path, engine::funnel::Rest::Kept).await.unwrap();
    engine::funnel::apply(engine, site, plan).await.unwrap();
}

impl Buyers {
    /// Buys one thing after another until the server is gone.
    async fn buy(&self, address: &str, buyer: usize) {
        for round in 0.. {
            let again = self.pending.lock().unwrap().pop();
            let is_again = again.is_some();
            let (path, body) = match again {
                Some(form) => form,
                None => match self.fill_in(address, &format!("{buyer}-{round}")).await {
                    Some(form) => form,
                    None => return,
                },
            };
            {
                let mut sent = self.sent.lock().unwrap();
                if is_again { sent.1 += 1 } else { sent.0 += 1 }
            }
            if asking::post(address, &path, &body).await.is_err() {
                self.pending.lock().unwrap().push((path, body));
                return;
            }
        }
    }

    /// The checkout form, filled in.
    async fn fill_in(&self, address: &str, who: &str) -> Option<(String, String)> {
        let offer = OFFERS[usize::try_from(self.rng.below(3)).unwrap()];
        let card = CARDS[usize::try_from(self.rng.below(5)).unwrap()];
        let path = format!("/buy/{offer}");
        let page = asking::get(address, &path, "").await.ok()?;
        let token = asking::hidden(&page, "token")?;
        let total = asking::hidden(&page, "shown_total")?;
        let body = format!(
            "token={token}&email=buyer-{who}%40example.org&name=Robin+Reader&quantity=1&\
             method={card}&shown_total={total}"
        );
        Some((path, body))
    }

    /// Everyone who got no answer presses the button again.
    async fn press_again(&self, address: &str) {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap());
        for (path, body) in pending {
            self.sent.lock().unwrap().1 += 1;
            asking::post(address, &path, &body).await.unwrap();
        }
    }
}

/// What would be looked at in a minute is looked at now.
async fn hurry(db: &Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let sql = "update payments set check_at = 0
                where state in ('creating', 'created', 'processing', 'unknown')";
            tx.query(sql).run().await.map(drop)
        })
    })
    .await
    .unwrap();
}

/// Lets the program recover and stops it.
async fn finish(installation: &Installation, server: Server) {
    let open = "select count(*) from payments
        where state in ('creating', 'created', 'processing', 'unknown')";
    let db = installation.database().await;
    let mut last = -1;
    for _ in 0..LOOKS_MAX {
        hurry(&db).await;
        last = number(&db, open).await;
        if last == 0 {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await; // waits for a process
    }
    db.close().await;
    assert_eq!(last, 0, "attempts have no end: {}", server.said());
    server.stop();
}

async fn sum_up(installation: &Installation, outcome: &mut Outcome) {
    let db = installation.database().await;
    outcome.orders.0 = number(&db, "select count(*) from orders").await;
    outcome.orders.1 = number(&db, "select count(*) from orders where paid_at is not null").await;
    let charges = "select count(*) from test_charges
        where kind = 'charge' and state = 'succeeded'";
    outcome.charges = number(&db, charges).await;
    let twice = "select cast(coalesce(sum(n - 1), 0) as bigint) from (
        select count(*) as n from test_charges c
        join payments p on p.site_id = c.site_id and p.idem_key = c.idem_key
        where c.kind = 'charge' and c.state = 'succeeded' group by p.order_id) as charged";
    outcome.charged_twice = number(&db, twice).await;
    let without = "select count(*) from order_lines l where l.state = 'paid' and not exists (
        select 1 from entitlements e where e.site_id = l.site_id and e.line_id = l.id)";
    outcome.without_goods = number(&db, without).await;
    let unmatched = "select count(*) from test_charges c
        where c.kind = 'charge' and c.state = 'succeeded' and not exists (
            select 1 from payments p join orders o on o.site_id = p.site_id and o.id = p.order_id
            where p.site_id = c.site_id and p.idem_key = c.idem_key and p.state = 'succeeded'
            and o.paid_at is not null)";
    outcome.unmatched = number(&db, unmatched).await;
    outcome.findings.extend(findings(&db).await);
    db.close().await;
    let (went_well, said) = installation.run(&["verify"]);
    if !went_well {
        outcome.findings.push(said);
    }
}
