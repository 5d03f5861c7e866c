//! Walks every page of figures as an operator could: each picture and table has its formula, each
//! table its file, each count among the first figures a link; and what a figure opens to comes to
//! the figure.

use std::collections::{BTreeMap, BTreeSet};

use testkit::TestApp;

use super::{ANN, day, order, person, sql, told};

const DAYS: &str = "from=2026-01-01&to=2026-06-30";

fn plain(html: &str) -> String {
    html.replace("&#x2f;", "/").replace("&amp;", "&").replace("&quot;", "\"").replace("&#x27;", "'")
}

/// What stands between `open` and `close`, once for each time it does.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Vec<&'t str> {
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

/// Text without tags.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// Pages of figures: those of the menu and the views of each.
async fn pages(app: &TestApp) -> BTreeSet<String> {
    let home = plain(&app.get("/admin/numbers/stages").await.body);
    let mut pages: BTreeSet<String> = between(&home, "href=\"", "\"")
        .into_iter()
        .filter(|href| href.starts_with("/admin/numbers/") && !href.contains('?'))
        .map(|href| format!("{href}?{DAYS}"))
        .collect();
    assert!(pages.len() >= 6, "{pages:?}");
    for page in pages.clone() {
        let html = plain(&app.get(&page).await.body);
        let Some(tabs) = between(&html, "<nav class=\"tabs\"", "</nav>").first().copied() else {
            continue;
        };
        let hrefs = between(tabs, "href=\"", "\"").into_iter();
        pages.extend(hrefs.filter(|href| href.starts_with('/')).map(str::to_owned));
    }
    pages
}

/// A cell or a first figure that opens: its heading, what it shows, where it leads.
struct Opened {
    column: String,
    shown: String,
    href: String,
}

fn opened(html: &str) -> Vec<Opened> {
    let mut cells = Vec::new();
    for cell in between(html, "<td data-label=\"", "</td>") {
        let Some((column, rest)) = cell.split_once('"') else { continue };
        if !rest.starts_with(" class=\"num\"") {
            continue;
        }
        let Some(link) = between(rest, "<a href=\"", "</a>").first().copied() else { continue };
        let Some((href, shown)) = link.split_once("\">") else { continue };
        cells.push(Opened {
            column: column.to_owned(),
            shown: words(shown),
            href: href.to_owned(),
        });
    }
    for tile in between(html, "<li class=\"tile\">", "</li>") {
        let label = words(between(tile, "<p class=\"tile-label\">", "</p>")[0]);
        let Some(link) = between(tile, "<a href=\"", "</a>").first().copied() else { continue };
        let Some((href, shown)) = link.split_once("\">") else { continue };
        cells.push(Opened { column: label, shown: words(shown), href: href.to_owned() });
    }
    cells
}

/// `−$1,234.50` as −1234.5.
fn number(shown: &str) -> Option<f64> {
    let digits: String = shown
        .replace('\u{2212}', "-")
        .chars()
        .filter(|c| c.is_ascii_digit() || ".-".contains(*c))
        .collect();
    digits.parse().ok()
}

/// What the rows of a list come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// As many as the figure says.
    Rows,
    /// Their sum in a column.
    Sum(&'static str),
    /// That, for each first order among them.
    Each(&'static str),
    /// Not the figure: an average, a rate or a difference of more than these rows.
    Other,
    /// Nobody said.
    Nothing,
}

/// What a figure with this heading says of the list it opens to. A heading that is not known here
/// is not walked past: it fails.
fn meant(list: &str, heading: &str) -> Meant {
    let one_of = |all: &[&str]| all.contains(&heading);
    match list {
        "orders" if one_of(&["Revenue", "Before", "A year before"]) => Meant::Sum("Revenue"),
        "orders" if one_of(&["Given back", "Margin"]) => Meant::Sum(match heading {
            "Margin" => "Margin",
            _ => "Given back",
        }),
        "orders" if heading == "Discounts" => Meant::Sum("Discount"),
        "orders" if heading == "First-order margin" => Meant::Each("Before discounts"),
        "orders" if heading.starts_with("Margin ") => Meant::Each("Before discounts"),
        "orders" if one_of(&["Orders", "Customers", "Bought again", "Count"]) => Meant::Rows,
        "orders" if heading == "After the first sale" => Meant::Other,
        "orders" if heading.starts_with("Allowed loss") => Meant::Other,
        "orders" if heading.starts_with("Break-even cost") => Meant::Other,
        "offered" if heading == "Orders" => Meant::Sum("Bought"),
        "offered" if one_of(&["Before", "A year before"]) => Meant::Sum("Sold"),
        "offered" if heading == "Shown" => Meant::Sum("Shown"),
        "offered" if heading == "Pieces" => Meant::Sum("Pieces"),
        "offered" if heading == "Sold" => Meant::Sum("Sold"),
        "offered" if heading == "Paid back" => Meant::Sum("Paid back"),
        "offered" if heading == "Cost" => Meant::Sum("Cost"),
        "offered" if heading == "Margin" => Meant::Sum("Margin"),
        "mails" if one_of(&["Sent", "Clicked"]) => Meant::Rows,
        "clicks" if heading == "Mails clicked" => Meant::Rows,
        "spent" if heading == "Spend" => Meant::Sum("Of it in these days"),
        "spent" if heading == "Clicks paid for" => Meant::Sum("Clicks in these days"),
        "spent" if one_of(&["CAC", "Profit", "Cost of a lead", "Cost of a click"]) => Meant::Other,
        "rewarded" if heading == "Rewards" => Meant::Sum("Reward"),
        "customers" if heading == "Customers" => Meant::Rows,
        "customers" if heading.ends_with(" on") => Meant::Rows,
        "customers" if heading.starts_with('F') => Meant::Rows,
        "stages/visit" => Meant::Sum("Visitors"),
        list if list.starts_with("stages/") => Meant::Rows,
        "roads/orders" if heading == "Revenue" => Meant::Sum("Revenue"),
        "roads/orders" if heading.ends_with(" to the order") => Meant::Other,
        "roads/orders" if one_of(&["Orders", "Before", "With an order"]) => Meant::Rows,
        "roads/open" => Meant::Rows,
        "attribution/orders" if heading == "Revenue" => Meant::Sum("Revenue"),
        "attribution/orders" => Meant::Sum("Credit"),
        // Both sides of a sum that is taken two ways; reconciliation has tests of its own.
        _ if one_of(&["Sum", "The same sum", "Differs by"]) => Meant::Other,
        _ => Meant::Nothing,
    }
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// What the rows of a file come to; nothing where they cannot.
fn comes_to(csv: &str, meant: Meant) -> Option<f64> {
    let mut lines = csv.lines();
    let heads = cells(lines.next().unwrap_or_default());
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    let column = |name: &str| {
        let at = heads.iter().position(|head| head == name)?;
        Some(rows.iter().map(|row| row[at].parse().unwrap_or(0.0)).collect::<Vec<f64>>())
    };
    let sum = |name| column(name).map(|cells| cells.iter().sum::<f64>());
    match meant {
        Meant::Rows => Some(rows.len() as f64),
        Meant::Sum("Credit") if column("Credit").is_none() => Some(rows.len() as f64),
        Meant::Sum(name) => sum(name),
        Meant::Each(name) => {
            let firsts = column("Which order")?.iter().filter(|nth| **nth == 1.0).count();
            Some(sum(name)? / firsts as f64)
        }
        Meant::Other | Meant::Nothing => None,
    }
}

/// The list an address leads to: `orders` of `/admin/numbers/orders?…`; nothing for other pages.
fn list_of(href: &str) -> Option<String> {
    let path = href.strip_prefix("/admin/numbers/")?.split('?').next()?;
    let lists = ["orders", "mails", "clicks", "offered", "spent", "rewarded", "customers"];
    let deeper = ["stages/", "roads/", "attribution/"];
    let is_list = lists.contains(&path) || deeper.iter().any(|part| path.starts_with(part));
    is_list.then(|| path.to_owned())
}

/// Has the demo's spend and a reward, so that every kind of figure stands on the pages; and an
/// order after the days, which no figure of them may count.
async fn filled() -> TestApp {
    let app = told().await;
    for (key, channel, amount, day) in
        [("a", "google", "40.00", "2026-01-05"), ("b", "direct", "3.00", "2026-01-07")]
    {
        let form = [("key", key), ("channel", channel), ("amount", amount), ("from_day", day)];
        app.post("/admin/numbers/spend", &[&form[..], &[("clicks", "20")]].concat()).await;
    }
    let mut rows = "insert into links (site_id, version_id, position, target) values
        ($s, 71, 1, 'https://shop.test/buy/book?utm_source=mail');"
        .to_owned();
    order(&mut rows, 5, ANN, day(185), (3_300, 0, 300));
    sql(&app, &rows).await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    engine::recounts::run_due(&app.engine).await.unwrap();
    app
}

/// The same with so many who came back that every fit has something to say.
async fn crowded() -> TestApp {
    let app = filled().await;
    let mut rows = String::new();
    for n in 10..60 {
        person(&mut rows, n, day(5), None, ["direct", "", "/"]);
        order(&mut rows, 100 + n, n, day(6 + n), (1_900, 0, 300));
        if n % 5 != 0 {
            order(&mut rows, 200 + n, n, day(20 + n + 2 * (n % 7)), (9_700, 0, 700));
        }
        if n % 3 == 0 {
            order(&mut rows, 300 + n, n, day(60 + n + n % 11), (4_900 + n, 0, 700));
        }
    }
    sql(&app, &rows).await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    engine::recounts::run_due(&app.engine).await.unwrap();
    app
}

/// Pages as they come, and beside other days.
async fn all_pages(app: &TestApp) -> Vec<String> {
    let compared = ["stages", "revenue", "payback", "roads", "attribution"];
    let mut all = Vec::new();
    for page in pages(app).await {
        if compared.iter().any(|name| page.contains(&format!("numbers/{name}?"))) {
            let spring =
                page.replace("2026-01-01", "2026-02-01").replace("2026-06-30", "2026-03-31");
            all.push(format!("{spring}&compare=before"));
        }
        all.push(page);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_every_page_opens_to_rows_that_come_to_it() {
    let app = filled().await;
    let mut followed = BTreeMap::<String, usize>::new();
    let mut wrong = BTreeSet::new();
    for page in all_pages(&app).await {
        let html = plain(&app.get(&page).await.body);
        for Opened { column, shown, href } in opened(&html) {
            let Some(list) = list_of(&href) else { continue };
            let answer = app.get(&href).await;
            assert_eq!(answer.status, 200, "{page}: {column} {shown} leads to {href}");
            let meant = meant(&list, &column);
            if meant == Meant::Other {
                continue;
            }
            let csv = app.download(&format!("{href}&format=csv")).await;
            assert_eq!(csv.status, 200, "{href}");
            let Some(figure) = number(&shown) else { continue };
            let by_markov = href.contains("by=markov") && href.contains("step=");
            let rows = comes_to(&csv.body, meant);
            if rows.is_none_or(|rows| (rows - figure).abs() > 0.0051) && !by_markov {
                let path = page.split('?').next().unwrap_or_default();
                wrong.insert(format!("{path}: {column} is {shown}, {meant:?} of {href}: {rows:?}"));
            }
            *followed.entry(list).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let all: usize = followed.values().sum();
    assert!(all > 120, "only {all} figures were followed: {followed:?}");
    for list in ["orders", "mails", "clicks", "offered", "spent", "customers", "stages/lead"] {
        assert!(followed.contains_key(list), "nothing led to {list}: {followed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_what_was_bought_together_opens_to_as_many_customers() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.sign_in(model::operators::Role::Owner).await;
    for n in 0..3 {
        let email = format!("p{n}@x.test");
        for (offer, total) in [("guide", 1_900), ("course", 9_700)].into_iter().skip(n % 2) {
            app.place(offer, app.checkout_form(&email, total)).await.unwrap();
            app.run_until_idle().await;
        }
    }
    let mut followed = 0;
    let home = plain(&app.get("/admin/also-bought").await.body);
    let one = between(&home, "href=\"", "\"").into_iter().find(|href| href.contains("/prd_"));
    for page in ["/admin/also-bought", one.unwrap()] {
        let html = plain(&app.get(page).await.body);
        for anchor in between(&html, "<a href=\"/admin/also-bought/customers", "</a>") {
            let (query, shown) = anchor.split_once("\">").unwrap();
            let list = format!("/admin/also-bought/customers{query}");
            let rows = app.get(&list).await.body.matches("class=\"row-link\"").count();
            assert_eq!(Some(rows as f64), number(shown), "{page}: {shown} leads to {list}");
            followed += 1;
        }
    }
    assert!(followed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_answers_for_days_at_the_ends_of_the_calendar() {
    let app = filled().await;
    for page in pages(&app).await {
        for days in [
            "from=0001-01-01&to=9999-12-31",
            "from=2026-01-01&to=9999-12-31&compare=before",
            "from=2026-01-01&to=9999-12-31&compare=year",
            "from=&to=9999-12-31&compare=year",
            "from=9999-12-31&to=",
            "from=-009999-01-01&to=0001-01-01&compare=before",
        ] {
            let path = match page.split_once('?') {
                Some((path, rest)) => format!("{path}?{}&{days}", rest.replace(DAYS, "")),
                None => format!("{page}?{days}"),
            };
            let answer = tokio::time::timeout(std::time::Duration::from_secs(60), app.get(&path));
            let answer = answer.await.unwrap_or_else(|_| panic!("{path} does not end"));
            assert_eq!(answer.status, 200, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_picture_and_table_has_its_formula_and_every_table_its_file() {
    let app = crowded().await;
    let mut titles = String::new();
    for page in all_pages(&app).await {
        let answer = app.get(&page).await;
        assert_eq!(answer.status, 200, "{page}");
        let html = plain(&answer.body);
        let figures = between(&html, "<figure", "</figure>");
        let sheets = between(&html, "<section class=\"card card-flush\">", "</section>");
        for figure in &figures {
            assert!(figure.contains("class=\"formula\""), "{page}: {}", words(figure));
        }
        assert!(figures.is_empty() || !sheets.is_empty(), "{page}: a picture without a table");
        for sheet in sheets.iter().filter(|sheet| sheet.contains("<tr>")) {
            let title = between(sheet, "<h2>", "</h2>").first().copied().unwrap_or_default();
            titles.push_str(title);
            assert!(sheet.contains("class=\"formula\""), "{page}: {title} has no formula");
            let file = between(sheet, "class=\"more\" href=\"", "\"").first().copied();
            let file = file.unwrap_or_else(|| panic!("{page}: {title} has no file"));
            let csv = app.download(file).await;
            assert_eq!(csv.status, 200, "{file}");
            let kind = csv.headers["content-type"].to_str().unwrap().to_owned();
            assert!(kind.starts_with("text/csv"), "{file}: {kind}");
        }
        for tile in between(&html, "<li class=\"tile\">", "</li>") {
            let label = words(between(tile, "<p class=\"tile-label\">", "</p>")[0]);
            let value = words(between(tile, "<p class=\"tile-value\">", "</p>")[0]);
            let is_count =
                !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == ',');
            // What a model expects, and everybody there is, has no list of its own.
            let is_expected = page.contains("by=forecast");
            assert!(
                !is_count || is_expected || tile.contains("<a href="),
                "{page}: {label} opens nothing"
            );
        }
    }
    for title in ["Edges", "The fit", "Repeat orders by week", "By money"] {
        assert!(titles.contains(title), "{title} was never seen: the fits are not filled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_can_be_compared_and_narrowed_and_still_open_to_their_rows() {
    let app = filled().await;
    let january = "from=2026-02-01&to=2026-02-28";
    let page =
        plain(&app.get(&format!("/admin/numbers/revenue?{january}&compare=before")).await.body);
    // February: 97 − 7; before it 19 + 20, by two orders: too few for a percentage.
    assert!(words(&page).contains("\u{25b2} up $51.00 from $39.00"), "{}", words(&page));
    let year =
        plain(&app.get(&format!("/admin/numbers/revenue?{january}&compare=year")).await.body);
    assert!(words(&year).contains("the same days a year before"));
    for path in ["stages", "revenue", "payback", "roads", "attribution"] {
        for more in ["compare=before", "compare=year", "channel=paid_search&compare=before"] {
            let path = format!("/admin/numbers/{path}?{DAYS}&{more}");
            let answer = app.get(&path).await;
            assert_eq!(answer.status, 200, "{path}");
            for Opened { shown, href, .. } in opened(&plain(&answer.body)) {
                assert_eq!(app.get(&href).await.status, 200, "{path}: {shown} to {href}");
            }
        }
    }
    let one = format!("/admin/numbers/revenue?{DAYS}&channel=direct");
    let html = plain(&app.get(&one).await.body);
    let tile = opened(&html).into_iter().rfind(|cell| cell.column == "Revenue").unwrap();
    assert_eq!(tile.shown, "$20.00");
    let csv = app.get(&format!("{}&format=csv", tile.href)).await.body;
    assert!(csv.contains("c2@x.test") && !csv.contains("c1@x.test"), "{csv}");
}
