//! What is bought beside what: kept with each order, the same as when weighed anew, and every
//! figure of its page opens to its customers.

use engine::also_bought::Why;
use model::ids::{ContactId, ProductId};
use model::operators::Role;
use model::{SiteId, UtcMs};
use store::entitlements::Entitlement;
use store::{Db, StoreError};
use testkit::{Shop, TestApp};

/// Twelve customers: the workbook goes with the guide, the club with the course, and one has both
/// pairs.
async fn sold() -> (TestApp, Shop) {
    let app = TestApp::start().await;
    let shop = app.stock_shop().await;
    for n in 0..12 {
        let email = format!("buyer{n}@example.org");
        let pair = if n % 2 == 0 {
            [("guide", 1_900), ("workbook", 3_700)]
        } else {
            [("course", 9_700), ("club", 2_900)]
        };
        for (offer, minor) in pair {
            app.place(offer, app.checkout_form(&email, minor)).await.unwrap();
        }
        if n == 11 {
            app.place("guide", app.checkout_form(&email, 1_900)).await.unwrap();
        }
    }
    (app, shop)
}

async fn kept(app: &TestApp, product: ProductId) -> Vec<(ProductId, f64)> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::product_pairs::kept(session, site, product).await })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_together_beyond_chance_comes_first_and_a_whole_pass_changes_nothing_shown() {
    let (app, shop) = sold().await;
    let (site, guide) = (app.site.id, shop.guide.0);
    let found = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(
                async move { engine::also_bought::for_product(session, site, guide, &[], 6).await },
            )
        })
        .await
        .unwrap();
    let slugs: Vec<&str> = found.iter().map(|one| one.offer_slug.as_str()).collect();
    assert_eq!(slugs, ["workbook", "course", "club"]);
    let Why::Bought(best) = found[0].why else { panic!("it was counted") };
    assert_eq!((best.counts.together, best.counts.a, best.counts.b), (6, 7, 6));
    assert_eq!(best.counts.baskets, 12);
    assert!(best.score.unwrap() > 5.0);
    let Why::Bought(second) = found[1].why else { panic!("it was counted") };
    assert_eq!(second.score, None, "one customer is no evidence");
    let before = kept(&app, guide).await;
    assert_eq!(before.len(), 1);
    engine::also_bought::rebuild(&app.engine, site).await.unwrap();
    let after = kept(&app, guide).await;
    assert_eq!(before[0].0, after[0].0);
    assert!((after[0].1 - best.score.unwrap()).abs() < 1e-9);
    assert_eq!(engine::also_bought::rebuild(&app.engine, site).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_count_beside_a_product_opens_to_its_customers() {
    let (app, shop) = sold().await;
    app.sign_in(Role::Editor).await;
    assert!(app.get("/admin/also-bought").await.body.contains("12 customers"));
    let path = format!("/admin/also-bought/{}", shop.guide.0);
    let page = app.get(&path).await.body;
    for shown in ["7 customers", "beyond chance", "log-likelihood", "too few"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let with = |other: ProductId| {
        format!("/admin/also-bought/customers?product={}&with={other}", shop.guide.0)
    };
    let rows = async |path: String| app.get(&path).await.body.matches("row-link").count();
    assert_eq!(rows(with(shop.workbook.0)).await, 6);
    assert_eq!(rows(with(shop.club.0)).await, 1);
    let own = format!("/admin/also-bought/customers?product={}", shop.guide.0);
    assert_eq!(rows(own).await, 7);
    assert_eq!(rows("/admin/also-bought/customers".to_owned()).await, 12);
    let file = app.get(&format!("{path}/csv")).await.body;
    assert!(file.starts_with("product,id,have_both"));
    assert_eq!(file.lines().count(), 4);
    let line = file.lines().nth(1).unwrap();
    // 6 of 12 together, 7 and 6 alone: lift 12·6 / (7·6).
    assert!(line.contains(",6,7,6,12,1.714286,"), "{line}");
    let gone = ProductId(7);
    assert_eq!(app.get(&format!("/admin/also-bought/{gone}")).await.status, 404);
    let odd = format!("/admin/also-bought/customers?product={gone}");
    assert_eq!(app.get(&odd).await.status, 404);
    let odd = "/admin/also-bought/customers?product=%27&with=x&after=-1";
    assert_eq!(app.get(odd).await.status, 200);
    let pins = shop.club.0.to_string();
    let done = app.post(&path, &[("pin", &pins)]).await;
    assert_eq!(done.location(), path);
    assert!(app.get(&path).await.body.contains("pinned"));
}

testkit::both!(the_best_partners_are_kept_and_customers_are_read_in_pages, partners);

async fn partners(db: Db) {
    const SITE: SiteId = SiteId(1);
    let one = ProductId(1);
    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            use store::product_pairs as pairs;
            for n in 2..8_i64 {
                let other = ProductId(n);
                for pair in [(one, other), (other, other)] {
                    pairs::add(tx, SITE, pair, 1).await?;
                }
                let score = f64::from(i32::try_from(n).unwrap());
                pairs::put_top(tx, SITE, (one, other), Some(score)).await?;
            }
            pairs::prune(tx, SITE, one, 3).await?;
            let tops = pairs::tops(tx, SITE, one, 9).await?;
            let ids: Vec<i64> = tops.iter().map(|(other, ..)| other.0).collect();
            assert_eq!(ids, [7, 6, 5]);
            pairs::put_top(tx, SITE, (one, ProductId(7)), None).await?;
            assert_eq!(pairs::kept(tx, SITE, one).await?.len(), 2);
            pairs::add(tx, SITE, (pairs::NOTHING, pairs::NOTHING), 1).await?;
            assert_eq!(pairs::customers(tx, SITE).await?, 1);
            for (id, contact, product) in [(1, 5, 1), (2, 5, 2), (3, 6, 1), (4, 7, 3)] {
                let entitlement = Entitlement {
                    id: model::ids::EntitlementId(id),
                    contact_id: ContactId(contact),
                    product_id: ProductId(product),
                    order_id: model::ids::OrderId(id),
                    line_id: model::ids::LineId(id),
                    quantity: 1,
                    downloads: 0,
                    granted_at: UtcMs(1),
                    revoked_at: None,
                };
                store::entitlements::grant(tx, SITE, &entitlement).await?;
            }
            let mut after = (ContactId(0), ProductId(0));
            let mut seen = Vec::new();
            loop {
                let page = pairs::held(tx, SITE, after, 1).await?;
                let Some(last) = page.last() else { break };
                after = *last;
                seen.push((last.0.0, last.1.0));
            }
            assert_eq!(seen, [(5, 1), (5, 2), (6, 1), (7, 3)]);
            let first = ContactId(0);
            let both = (Some(one), Some(ProductId(2)));
            assert_eq!(pairs::customers_with(tx, SITE, both, first, 9).await?, [ContactId(5)]);
            let all = pairs::customers_with(tx, SITE, (None, None), first, 9).await?;
            assert_eq!(all.len(), 3);
            Ok(())
        })
    })
    .await
    .unwrap();
}
