//! What the operator sees of the story.

use model::operators::Role;
pub(super) use plain::body_of;
use testkit::TestApp;

use super::{sql, told};

mod plain {
    /// The text of a page without its tags, on one line.
    pub(in super::super) fn body_of(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for letter in html.chars() {
            match letter {
                '<' => {
                    inside = true;
                    text.push(' ');
                }
                '>' => inside = false,
                _ if !inside => text.push(letter),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

pub(super) async fn page(app: &TestApp, path: &str) -> String {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", body_of(&answer.body));
    answer.body.replace("&#x2f;", "/").replace("&amp;", "&")
}

const YEAR: &str = "from=2026-01-01&to=2026-07-11";

#[tokio::test]
async fn every_figure_of_the_stages_opens_to_its_rows() {
    let app = told().await;
    let html = page(&app, &format!("/admin/numbers/stages?{YEAR}")).await;
    assert!(html.contains("/admin/numbers/stages/second?from=2026-01-01&to=2026-07-11"));
    assert!(body_of(&html).contains("Paid Search google"));
    let rows = page(&app, &format!("/admin/numbers/stages/order?{YEAR}")).await;
    assert!(rows.contains("c1@x.test") && rows.contains("c2@x.test"));
    assert!(!rows.contains("c3@x.test"), "test contacts are left out");
    let one = page(&app, &format!("/admin/numbers/stages/lead?{YEAR}&channel=direct")).await;
    assert!(one.contains("c2@x.test") && !one.contains("c1@x.test"));
    for stage in ["visit", "confirmed", "qualified", "second", "referral"] {
        page(&app, &format!("/admin/numbers/stages/{stage}?{YEAR}")).await;
    }
    assert_eq!(app.get("/admin/numbers/stages/nothing").await.status, 404);
}

#[tokio::test]
async fn revenue_stands_by_mail_page_and_offer_with_its_rule() {
    let app = told().await;
    let html = page(&app, &format!("/admin/numbers/revenue?{YEAR}")).await;
    let text = body_of(&html);
    assert!(text.contains("Hello mail") && text.contains("within 7 days"));
    assert!(text.contains("$129.00"), "19 + 97 − 7 + 20 in all: {text}");
    let orders =
        "/admin/numbers/orders?from=2026-01-01&to=2026-07-11&kind=sequence&of=7&template=70";
    let rows = page(&app, orders).await;
    assert!(rows.contains("c1@x.test") && !rows.contains("c2@x.test"));
    let mails = page(&app, &orders.replace("/orders", "/mails")).await;
    assert!(mails.contains("c1@x.test"));
    let pages = body_of(&page(&app, &format!("/admin/numbers/revenue?{YEAR}&by=page")).await);
    assert!(pages.contains("/p/free") && pages.contains("/buy/book"));
    let offers = body_of(&page(&app, &format!("/admin/numbers/revenue?{YEAR}&by=offer")).await);
    assert!(offers.contains("The book Main offer"), "{offers}");
}

#[tokio::test]
async fn payback_says_the_day_and_a_young_month_says_not_yet() {
    let app = told().await;
    app.post(
        "/admin/numbers/spend",
        &[("key", "a"), ("channel", "google"), ("amount", "40.00"), ("from_day", "2026-01-05")],
    )
    .await;
    let text = body_of(&page(&app, &format!("/admin/numbers/payback?{YEAR}")).await);
    // CAC (4000 + 100) / 2 = 2050; first margin 1700; by day 30: 1700 + 8300 / 2 = 5850.
    assert!(text.contains("We lose $3.50 on the first sale, have it back on day 30"), "{text}");
    assert!(text.contains("$20.50") && text.contains("$58.50"));
    assert!(text.contains("earned back on day 30"));
    assert!(text.contains("Only 2 customers"));
    let dear = [("key", "b"), ("channel", "google"), ("amount", "900"), ("from_day", "2026-01-06")];
    app.post("/admin/numbers/spend", &dear).await;
    app.post("/admin/numbers/spend", &dear).await;
    let text = body_of(&page(&app, &format!("/admin/numbers/payback?{YEAR}")).await);
    assert!(text.contains("not yet"), "{text}");
    assert!(text.contains("$470.50"), "sent twice, counted once: {text}");
    let csv = app.get(&format!("/admin/numbers/payback?{YEAR}&format=csv&sheet=1")).await;
    assert!(csv.body.starts_with("Month,Customers,Spend,CAC,"));
    assert!(csv.body.trim_end().ends_with(','), "not yet is empty, not zero: {}", csv.body);
}

#[tokio::test]
async fn cohorts_show_whole_months_alone() {
    let app = told().await;
    let text = body_of(&page(&app, &format!("/admin/numbers/cohorts?{YEAR}")).await);
    assert!(text.contains("Jan 2026") && text.contains("Only 2 customers"), "{text}");
    let csv = app.get(&format!("/admin/numbers/cohorts?{YEAR}&format=csv")).await.body;
    let line = csv.lines().nth(1).unwrap();
    // Revenue 12900 and margin 11700 for two; one bought again in the month after.
    assert_eq!(line, "2026-01,2,1,64.50,58.50,1,0,0,0,0");
}

#[tokio::test]
async fn reconciliation_is_red_where_a_sum_is_lost() {
    let app = told().await;
    let path = format!("/admin/numbers/reconciliation?{YEAR}");
    assert!(body_of(&page(&app, &path).await).contains("Everything adds up"));
    sql(&app, "delete from ledger_lines where site_id = $s and account = 'sales'").await;
    let text = body_of(&page(&app, &path).await);
    assert!(text.contains("One line does not add up") && text.contains("differs"), "{text}");
    sql(&app, "delete from payments where site_id = $s and idem_key = 'k3'").await;
    let html = page(&app, &path).await;
    let apart = format!("/admin/numbers/reconciliation/orders_payments?{YEAR}");
    assert!(html.contains(&apart), "{html}");
    let rows = page(&app, &apart).await;
    assert_eq!(rows.matches("/admin/orders/ord_").count(), 1, "Ben's and Tess's, of one instant");
    assert!(body_of(&rows).contains("$40.00 $20.00 $20.00"), "{}", body_of(&rows));
}

#[tokio::test]
async fn a_site_without_anything_says_what_stands_here_later() {
    let app = TestApp::start().await;
    app.sign_in(Role::Viewer).await;
    for name in ["stages", "revenue", "spend", "payback", "cohorts", "reconciliation"] {
        let html = page(&app, &format!("/admin/numbers/{name}")).await;
        assert!(!html.contains("NaN"), "{name}");
    }
    let wrong = page(&app, "/admin/numbers/stages?from=2026-02-30&days=x&of=&nth=-").await;
    assert!(wrong.contains("write the day as"));
    assert_eq!(app.post("/admin/numbers/spend", &[]).await.status, 403);
}

#[tokio::test]
async fn a_file_holds_every_row_of_its_figure() {
    let app = TestApp::start().await;
    for n in 0..120 {
        let address = model::EmailAddr::parse(&format!("p{n}@x.test")).unwrap();
        let by = model::audits::Actor::Console;
        engine::care::add(&app.engine, by, &app.site, &address).await.unwrap();
    }
    app.sign_in(Role::Owner).await;
    let list = app.get("/admin/numbers/stages/lead").await;
    let shown = list.body.matches("@x.test").count();
    assert!((1..120).contains(&shown), "a page at a time: {shown}");
    let file = app.get("/admin/numbers/stages/lead?format=csv").await.body;
    assert_eq!(file.matches("@x.test").count(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_contacts_of_yesterday_are_as_many_as_their_list_holds() {
    let app = TestApp::start().await;
    for n in 0..5 {
        let address = model::EmailAddr::parse(&format!("p{n}@x.test")).unwrap();
        let by = model::audits::Actor::Console;
        engine::care::add(&app.engine, by, &app.site, &address).await.unwrap();
    }
    let gone = app.contact("p3@x.test").await.id;
    engine::privacy::erase(&app.engine, &app.site, gone).await.unwrap();
    app.advance_ms(model::times::DAY_MS).await;
    app.sign_in(Role::Owner).await;
    let today = app.get("/admin").await.plain();
    let after = today.split("New contacts yesterday").nth(1).unwrap();
    assert!(after.split("</p>").nth(1).unwrap().ends_with(">5</a>"), "{after}");
    let list = app.get("/admin/numbers/stages/lead?from=2026-01-15&to=2026-01-15").await;
    assert_eq!(list.plain().matches("/admin/contacts/con_").count(), 5, "{}", list.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_of_the_ledger_narrows_it_and_stays_with_its_links() {
    let app = TestApp::start().await;
    super::story(&app).await;
    app.sign_in(Role::Owner).await;
    let step = model::ids::StepId(7);
    let rows = async |query: &str| {
        let page = app.get(&format!("/admin/messages?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        page.plain().matches("/admin/messages/msg_").count()
    };
    assert!(rows(&format!("step={step}")).await > 0);
    assert!(rows(&format!("step={step}&clicked=1&from=2026-01-06&to=2026-01-06")).await > 0);
    assert_eq!(rows(&format!("step={step}&from=2026-01-07&to=2026-01-08")).await, 0);
    assert_eq!(rows(&format!("step={step}&from=2026-01-01&to=2026-01-05")).await, 0);
    assert_eq!(rows(&format!("step={step}&clicked=1&state=held")).await, 0);
    let page = app.get(&format!("/admin/messages?step={step}&clicked=1")).await.plain();
    let tab = format!("/admin/messages?step={step}&amp;clicked=1&amp;state=accepted");
    assert!(page.contains(&tab) || page.contains(&tab.replace("&amp;", "&")), "{page}");
    // What cannot be narrowed by is said, not passed over.
    assert_eq!(app.get("/admin/messages?clicked=1").await.status, 400);
    assert_eq!(app.get("/admin/messages?step=nonsense").await.status, 400);
}

#[tokio::test]
async fn cohorts_by_month_and_week_open_each_cell_to_its_customers() {
    let app = told().await;
    let html = page(&app, &format!("/admin/numbers/cohorts?{YEAR}")).await;
    let cell = "/admin/numbers/customers?from=2026-01-01&to=2026-01-31&bought_from=2026-02-01&\
                bought_to=2026-02-28";
    assert!(html.contains(cell), "{html}");
    let rows = page(&app, cell).await;
    assert!(rows.contains("c1@x.test") && !rows.contains("c2@x.test"));
    let both = page(&app, "/admin/numbers/customers?from=2026-01-01&to=2026-01-31").await;
    assert!(both.contains("c1@x.test") && both.contains("c2@x.test"));
    assert!(!both.contains("c3@x.test"), "test contacts are left out");
    let weeks = page(&app, &format!("/admin/numbers/cohorts?{YEAR}&by=week&show=margin")).await;
    assert!(weeks.contains("bought_from=2026-02-09&bought_to=2026-02-15"), "{weeks}");
    assert!(body_of(&weeks).contains("What is earned again"));
    let product = model::ids::ProductId(600);
    let own = page(&app, &format!("/admin/numbers/cohorts?{YEAR}&product={product}")).await;
    assert!(own.contains(&format!("product={product}")));
}

#[tokio::test]
async fn value_is_margin_by_days_and_says_not_yet_where_nobody_is_so_old() {
    let app = told().await;
    let text = body_of(&page(&app, &format!("/admin/numbers/value?{YEAR}")).await);
    // (17 + 17) / 2 by day 0, and 83 of Ann's second order on day 30; July is not a year later.
    assert!(text.contains("By day 30 $58.50"), "{text}");
    assert!(text.contains("By day 365 not yet"), "{text}");
    app.post(
        "/admin/numbers/spend",
        &[("key", "a"), ("channel", "google"), ("amount", "40.00"), ("from_day", "2026-01-05")],
    )
    .await;
    let html = page(&app, &format!("/admin/numbers/value?{YEAR}&by=channel")).await;
    // Ann: 100 of margin, for 40 of spend and 1 of discount.
    assert!(
        body_of(&html).contains("$100.00 of 1 $41.00 of 1 2.4 times of 1"),
        "{}",
        body_of(&html)
    );
    let google =
        page(&app, "/admin/numbers/customers?from=2026-01-01&to=2026-07-11&channel=google");
    let google = google.await;
    assert!(google.contains("c1@x.test") && !google.contains("c2@x.test"));
    let others =
        page(&app, "/admin/numbers/customers?from=2026-01-01&to=2026-07-11&channel=paid_search");
    assert!(!others.await.contains("c1@x.test"), "she counts for google, where money was spent");
    page(&app, &format!("/admin/numbers/value?{YEAR}&by=product")).await;
    let csv = app.get(&format!("/admin/numbers/value?{YEAR}&format=csv&sheet=0")).await;
    assert!(csv.body.starts_with("Month won,Customers,Came back,By day 30"), "{}", csv.body);
    assert!(csv.body.contains("2026-01,2,1,58.50,58.50,"), "{}", csv.body);

    let before = body_of(&page(&app, "/admin/numbers/value?by=forecast").await);
    assert!(before.contains("No customers to learn from yet"), "{before}");
    engine::recounts::run_due(&app.engine).await.unwrap();
    let few = body_of(&page(&app, "/admin/numbers/value?by=forecast").await);
    assert!(few.contains("Only one customer came back on a later day"), "{few}");
    assert!(!few.contains("Still customers"), "the sentence and nothing else");
}

#[tokio::test]
async fn a_cell_of_the_grid_opens_to_its_customers_and_becomes_a_segment() {
    let app = told().await;
    engine::recounts::run_due(&app.engine).await.unwrap();
    let html = page(&app, "/admin/numbers/rfm").await;
    assert!(body_of(&html).contains("Slipping away"), "{}", body_of(&html));
    // Ann ordered last. Two orders are not one more than what most have: both stand in F1.
    let best = "/admin/numbers/customers?r=5&f=1";
    assert!(html.contains(best), "{html}");
    let rows = page(&app, best).await;
    assert!(rows.contains("c1@x.test") && !rows.contains("c2@x.test"));
    let keep = rows.split("href=\"").find(|part| part.starts_with("/admin/segments/new"));
    let keep = keep.unwrap().split('"').next().unwrap().to_owned();
    let form = page(&app, &keep).await;
    assert!(body_of(&form).contains("scores recency 5, frequency 1"), "{}", body_of(&form));
    let made = app.fill(&keep, "/admin/segments", &[("name", "The best")]).await;
    assert_eq!(made.status, 303, "{}", body_of(&made.body));
    let list = body_of(&page(&app, "/admin/segments").await);
    assert!(list.contains("The best scores recency 5, frequency 1"), "{list}");
    assert!(list.contains("being counted"));
    engine::recounts::run_due(&app.engine).await.unwrap();
    let home = page(&app, made.location()).await;
    assert!(home.contains("c1@x.test") && !home.contains("c2@x.test"));
    let id = made.location().rsplit('/').next().unwrap().to_owned();
    let people = page(&app, &format!("/admin/contacts?segment={id}")).await;
    assert!(people.contains("c1@x.test") && !people.contains("c2@x.test"));
    let file = app.get(&format!("/admin/contacts.csv?segment={id}")).await;
    assert!(file.body.contains("c1@x.test") && !file.body.contains("c2@x.test"));
    let why = body_of(&page(&app, &format!("/admin/segments/{id}?who=c2@x.test")).await);
    assert!(why.contains("does not fit the rule") && why.contains("not true"), "{why}");

    let edited = [("name", "The best"), ("what", "orders"), ("number", "two"), ("sign", "is")];
    let refused = app.post(&format!("/admin/segments/{id}/edit"), &edited).await;
    assert!(body_of(&refused.body).contains("write how many orders"), "{}", refused.body);
    let edited = [("name", "The best"), ("what", "orders"), ("number", "1"), ("sign", "not")];
    app.post(&format!("/admin/segments/{id}/edit"), &edited).await;
    engine::recounts::run_due(&app.engine).await.unwrap();
    let people = page(&app, &format!("/admin/contacts?segment={id}")).await;
    assert!(people.contains("c3@x.test") && !people.contains("c1@x.test"));
    app.post(&format!("/admin/segments/{id}/delete"), &[]).await;
    assert_eq!(app.get(&format!("/admin/segments/{id}")).await.status, 404);
    app.sign_in(Role::Viewer).await;
    assert_eq!(app.post("/admin/segments", &edited).await.status, 403);
}

#[tokio::test]
async fn what_a_lead_may_cost_is_less_what_was_taken_off_and_given_as_rewards() {
    let app = told().await;
    let text = body_of(&page(&app, &format!("/admin/numbers/payback?{YEAR}")).await);
    // Margin 1700 + 8300 + 1700, of which 100 was taken off Ann's first order; by two leads.
    assert!(text.contains("Break-even cost of a lead $58.00"), "{text}");
    assert!(text.contains("− discounts of first orders − rewards of referrals) / leads"));
}

#[tokio::test]
async fn of_one_product_nothing_is_said_of_what_customers_cost() {
    let app = told().await;
    let spend = [("key", "a"), ("channel", "google"), ("amount", "40"), ("from_day", "2026-01-05")];
    app.post("/admin/numbers/spend", &spend).await;
    let product = model::ids::ProductId(600);
    let path = format!("/admin/numbers/payback?{YEAR}&product={product}");
    let text = body_of(&page(&app, &path).await);
    assert!(
        text.contains("left blank here") && text.contains("A customer brings $17.00"),
        "{text}"
    );
    assert!(!text.contains("$40.00") && !text.contains("day 30"), "{text}");
}

#[tokio::test]
async fn what_an_address_names_and_nobody_knows_is_not_taken_for_all() {
    let app = told().await;
    let revenue = format!("/admin/numbers/revenue?{YEAR}");
    assert!(body_of(&page(&app, &revenue).await).contains("$129.00"));
    for (named, said) in [
        ("segment=!!", "This segment is gone: nobody is in it."),
        ("segment=999999", "This segment is gone: nobody is in it."),
        ("product=!!", "Not known"),
        ("product=999999", "Not known"),
    ] {
        let text = body_of(&page(&app, &format!("{revenue}&{named}")).await);
        assert!(text.contains(said) && !text.contains("$129.00"), "{named}: {text}");
    }
}

#[tokio::test]
async fn money_spent_lately_shows_though_nobody_was_won_by_it() {
    let app = told().await;
    let spend = [("key", "a"), ("channel", "radio"), ("amount", "40"), ("from_day", "2026-07-01")];
    app.post("/admin/numbers/spend", &[&spend[..], &[("clicks", "8")]].concat()).await;
    let lately = "/admin/numbers/payback?from=2026-06-15&to=2026-07-11";
    let text = body_of(&page(&app, lately).await);
    assert!(text.contains("No customer can be followed for 90 days yet"), "{text}");
    assert!(text.contains("Leads and clicks by source") && text.contains("Spend $40.00"), "{text}");
    assert!(text.contains("Cost of a click $5.00"), "{text}");
    let all = page(&app, &format!("/admin/numbers/payback?{YEAR}")).await;
    assert!(body_of(&all).contains("radio $40.00"), "{}", body_of(&all));
}

#[tokio::test]
async fn the_earlier_days_add_up_though_nothing_of_theirs_was_sold_since() {
    let app = told().await;
    let february = "from=2026-02-01&to=2026-02-28&compare=before";
    for by in ["page", "offer"] {
        let path = format!("/admin/numbers/revenue?{february}&by={by}&format=csv");
        let file = app.get(&path).await.body;
        let heads: Vec<&str> = file.lines().next().unwrap().split(',').collect();
        let at = heads.iter().position(|head| *head == "Before").unwrap();
        let cell = |line: &str| line.split(',').nth(at).unwrap().parse::<f64>().unwrap();
        let sum: f64 = file.lines().skip(1).map(cell).sum();
        assert_eq!(sum, 39.0, "{by}: 19 and 20 in January\n{file}");
    }
    // Three months beside the four that the days before them touch.
    let spring = "from=2026-02-15&to=2026-05-31&compare=before";
    let text = body_of(&page(&app, &format!("/admin/numbers/revenue?{spring}")).await);
    assert!(text.contains("$39.00"), "{text}");
}

#[tokio::test]
async fn a_list_leads_back_to_the_page_it_was_opened_from() {
    let app = told().await;
    let asked = format!("/admin/numbers/payback?{YEAR}&days=60");
    let html = page(&app, &asked).await;
    let rows = html.split("href=\"").find(|part| part.starts_with("/admin/numbers/orders"));
    let rows = rows.unwrap().split('"').next().unwrap();
    let list = page(&app, rows).await;
    assert!(list.contains(&format!("href=\"{asked}\"")), "{list}");
    let weeks = "/admin/numbers/cohorts?from=2026-01-01&to=2026-06-30&by=week";
    let html = page(&app, weeks).await;
    let months = "/admin/numbers/cohorts?from=2026-01-01&to=2026-06-30&by=month";
    assert!(html.contains(months), "the days stay: {html}");
}

#[tokio::test]
async fn revenue_less_cost_and_spend_is_profit() {
    let app = told().await;
    let spend = [("key", "a"), ("channel", "google"), ("amount", "40"), ("from_day", "2026-01-05")];
    app.post("/admin/numbers/spend", &spend).await;
    let text = body_of(&page(&app, &format!("/admin/numbers/revenue?{YEAR}")).await);
    // 19 + 97 − 7 + 20, less goods of 3 + 7 + 3, less 40.
    assert!(text.contains("Margin $116.00") && text.contains("Profit $76.00"), "{text}");
    let some = format!("/admin/numbers/revenue?{YEAR}&channel=direct");
    let text = body_of(&page(&app, &some).await);
    assert!(text.contains("Margin $17.00") && !text.contains("Profit"), "{text}");
}

#[tokio::test]
async fn who_only_looks_is_offered_nothing_to_make() {
    let app = told().await;
    engine::recounts::run_due(&app.engine).await.unwrap();
    let paths = [
        ("/admin/segments", "/admin/segments/new"),
        ("/admin/scores", "/admin/scores/new"),
        ("/admin/numbers/rfm", "/admin/segments/new"),
        ("/admin/numbers/customers?r=5", "/admin/segments/new"),
    ];
    for (path, offer) in paths {
        assert!(page(&app, path).await.contains(offer), "{path}");
    }
    app.sign_in(Role::Viewer).await;
    for (path, offer) in paths {
        assert!(!page(&app, path).await.contains(offer), "{path}");
    }
}

#[tokio::test]
async fn figures_can_be_narrowed_to_a_segment() {
    let app = told().await;
    let direct = model::channels::Channel::Direct;
    let rule = model::segments::Rule::Is(model::segments::Statement::Channel(direct));
    let by = model::audits::Actor::Console;
    let kept = engine::segments::keep(&app.engine, by, app.site.id, ("Walked in", &rule)).await;
    let segment = kept.unwrap();
    let asked = format!("{YEAR}&segment={segment}");
    let waiting = body_of(&page(&app, &format!("/admin/numbers/revenue?{asked}")).await);
    assert!(waiting.contains("“Walked in” is being counted"), "{waiting}");
    engine::recounts::run_due(&app.engine).await.unwrap();
    // Ben alone: one order of 20 with goods of 3.
    for by in ["mail", "page", "offer", "link", "step"] {
        let text = body_of(&page(&app, &format!("/admin/numbers/revenue?{asked}&by={by}")).await);
        assert!(text.contains("Only the contacts who were in “Walked in”"), "{text}");
        assert!(text.contains("Orders 1") && text.contains("Revenue $20.00"), "{by}: {text}");
        assert!(!text.contains("Profit"), "an ad is not of a segment");
    }
    let rows = app.get(&format!("/admin/numbers/orders?{asked}&format=csv")).await.body;
    assert!(rows.contains("c2@x.test") && !rows.contains("c1@x.test"), "{rows}");
    let payback = body_of(&page(&app, &format!("/admin/numbers/payback?{asked}")).await);
    assert!(payback.contains("A customer brings $17.00"), "{payback}");
    let cohorts = app.get(&format!("/admin/numbers/cohorts?{asked}&format=csv")).await.body;
    assert!(cohorts.lines().nth(1).unwrap().starts_with("2026-01,1,0,20.00,17.00"), "{cohorts}");
    let value = body_of(&page(&app, &format!("/admin/numbers/value?{asked}")).await);
    assert!(value.contains("By day 30 $17.00"), "{value}");
    let rfm = page(&app, &format!("/admin/numbers/rfm?segment={segment}")).await;
    let one = rfm.split("href=\"").find(|part| part.starts_with("/admin/numbers/customers"));
    let list = page(&app, one.unwrap().split('"').next().unwrap()).await;
    assert!(!list.contains("c1@x.test"), "{list}");
    let customers = app.get(&format!("/admin/numbers/customers?{asked}&format=csv")).await.body;
    assert!(customers.contains("c2@x.test") && !customers.contains("c1@x.test"), "{customers}");
}

#[tokio::test]
async fn a_file_holds_what_many_pages_of_a_list_do() {
    let app = told().await;
    let mut rows = String::new();
    super::order(&mut rows, 1_000, super::BEN, super::day(50), (2_000, 0, 300));
    sql(&app, &rows).await;
    let more = "insert into order_figures (site_id, order_id, contact_id, paid_at, paid_day, nth,
        first_at, cohort, day, first_product_id, channel, source, landing, currency, net_minor,
        refunded_minor, discount_minor, reward_minor, cost_minor, mail_kind, mail_source_id,
        mail_template_id, mail_version_id, mail_position)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 10050)
        select f.site_id, n.i, f.contact_id, f.paid_at, f.paid_day, 9, f.first_at, f.cohort, 9,
            f.first_product_id, f.channel, f.source, 'many', f.currency, 1, 0, 0, 0, 0, '', 0, 0, 0,
            0 from n join order_figures f on f.site_id = $s and f.nth = 2";
    sql(&app, more).await;
    let path = format!("/admin/numbers/orders?{YEAR}&landing=many&format=csv");
    let file = app.get(&path).await;
    assert_eq!(file.body.lines().count(), 10_051, "a head and every row, once");
    let unlike: std::collections::BTreeSet<&str> = file.body.lines().collect();
    assert!(unlike.len() > 1 && file.body.starts_with("Paid,Who,"));
}

#[tokio::test]
async fn a_channel_that_cost_money_and_won_nobody_is_listed() {
    let app = told().await;
    let customers = async |word: &str| {
        page(&app, &format!("/admin/numbers/customers?{YEAR}&channel={word}")).await
    };
    // Nothing was spent on google: Ann counts for the channel, as in the lists of orders.
    assert!(!customers("google").await.contains("c1@x.test"));
    assert!(customers("paid_search").await.contains("c1@x.test"));
    for (key, channel) in [("a", "google"), ("b", "radio")] {
        let spend =
            [("key", key), ("channel", channel), ("amount", "12"), ("from_day", "2026-01-05")];
        app.post("/admin/numbers/spend", &spend).await;
    }
    let html = page(&app, &format!("/admin/numbers/value?{YEAR}&by=channel")).await;
    assert!(body_of(&html).contains("radio – $12.00 0 – – –"), "{}", body_of(&html));
    let links = html.split("href=\"").filter_map(|part| part.split('"').next());
    let mut cacs = links.filter(|href| href.starts_with("/admin/numbers/payback?from=2026-01-01"));
    let cac = cacs.find(|href| href.contains("source=google")).unwrap();
    assert!(body_of(&page(&app, cac).await).contains("$13.00"), "12 spent and 1 taken off");
}

#[tokio::test]
async fn what_is_of_another_currency_is_said_where_it_is_left_out() {
    let app = told().await;
    let ben = super::contact(super::BEN).0;
    let euro = "update orders set currency = 'EUR' where site_id = $s and contact_id =";
    sql(&app, &format!("{euro} {ben}")).await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    for name in ["cohorts", "value"] {
        let text = body_of(&page(&app, &format!("/admin/numbers/{name}?{YEAR}")).await);
        assert!(text.contains("1 customers who paid in other currencies than USD"), "{text}");
    }
    let revenue = async |more: &str| {
        body_of(&page(&app, &format!("/admin/numbers/revenue?{YEAR}{more}")).await)
    };
    assert!(revenue("").await.contains("1 orders in other currencies"));
    assert!(revenue("&channel=direct").await.contains("1 orders in other currencies"));
    assert!(!revenue("&channel=paid_search").await.contains("in other currencies"), "not Ben's");
}

#[tokio::test]
async fn the_links_that_are_not_listed_are_one_line_and_in_the_file() {
    let app = told().await;
    let links = "insert into links (site_id, version_id, position, target)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 210)
        select $s, 71, i, 'https://shop.test/' || i from n;
        insert into clicks (site_id, id, message_id, contact_id, version_id, position, at, method,
            user_agent, prefetch, verdict)
        with recursive n (i) as (select 2 union all select i + 1 from n where i < 210)
        select k.site_id, 1000 + n.i, k.message_id, k.contact_id, 71, n.i, k.at, 'GET', '', false,
            'human' from n join clicks k on k.site_id = $s and k.id = 80";
    sql(&app, links).await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    let path = format!("/admin/numbers/revenue?{YEAR}&by=link");
    let text = body_of(&page(&app, &path).await);
    assert!(text.contains("10 further links in the file 10 0"), "{text}");
    let file = app.get(&format!("{path}&format=csv")).await.body;
    assert_eq!(file.lines().count(), 211, "a head and each link");
}
