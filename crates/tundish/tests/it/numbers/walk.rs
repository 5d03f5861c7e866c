//! Walks every page of figures as an operator could: each picture and table has its formula, each
//! table its file, each count among the first figures a link; and what a figure opens to comes to
//! the figure.

use std::collections::BTreeSet;

use testkit::TestApp;

use super::{sql, told};

const DAYS: &str = "from=2026-01-01&to=2026-06-30";
/// Figures that stand for each of many, so that no sum of rows is one.
const MEANS: &[&str] = &["Margin so far", "Sum", "The same sum"];

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

/// A cell that opens: its column, what it shows, where it leads.
struct Opened {
    column: String,
    shown: String,
    href: String,
    in_a_tile: bool,
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
            in_a_tile: false,
        });
    }
    for tile in between(html, "<li class=\"tile\">", "</li>") {
        let label = words(between(tile, "<p class=\"tile-label\">", "</p>")[0]);
        let Some(link) = between(tile, "<a href=\"", "</a>").first().copied() else { continue };
        let Some((href, shown)) = link.split_once("\">") else { continue };
        cells.push(Opened {
            column: label,
            shown: words(shown),
            href: href.to_owned(),
            in_a_tile: true,
        });
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

/// Whether the rows of a file come to `figure`: by their number, or by the sum of a column.
fn comes_to(csv: &str, figure: f64) -> bool {
    let mut lines = csv.lines();
    let columns = lines.next().unwrap_or_default().split(',').count();
    let rows: Vec<Vec<f64>> = lines
        .map(|line| {
            line.rsplit(',').take(columns).map(|cell| cell.parse().unwrap_or(0.0)).collect()
        })
        .collect();
    let near = |sum: f64| (sum - figure).abs() < 0.005;
    let sum = |at: usize| rows.iter().filter_map(|row| row.get(at)).sum::<f64>();
    near(rows.len() as f64) || (0..columns).any(|at| near(sum(at)))
}

/// Has the demo's spend and a reward, so that every kind of figure stands on the pages.
async fn filled() -> TestApp {
    let app = told().await;
    for (key, channel, amount, day) in
        [("a", "google", "40.00", "2026-01-05"), ("b", "direct", "3.00", "2026-01-07")]
    {
        let form = [("key", key), ("channel", channel), ("amount", amount), ("from_day", day)];
        app.post("/admin/numbers/spend", &[&form[..], &[("clicks", "20")]].concat()).await;
    }
    let link = "insert into links (site_id, version_id, position, target) values
        ($s, 71, 1, 'https://shop.test/buy/book?utm_source=mail')";
    sql(&app, link).await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_every_page_opens_to_rows_that_come_to_it() {
    let app = filled().await;
    let mut followed = 0;
    for page in pages(&app).await {
        let html = plain(&app.get(&page).await.body);
        for Opened { column, shown, href, in_a_tile } in opened(&html) {
            if !href.starts_with("/admin/numbers/") || MEANS.contains(&column.as_str()) {
                continue;
            }
            let answer = app.get(&href).await;
            assert_eq!(answer.status, 200, "{page}: {column} {shown} leads to {href}");
            let rows = ["/orders", "/mails", "/clicks", "/offered", "/spent", "/rewarded"];
            let is_rows = rows.iter().any(|path| href.contains(&format!("numbers{path}?")))
                || href.contains("numbers/stages/");
            let counted = ["Orders", "Revenue", "Given back", "Customers"];
            if !is_rows || in_a_tile && !counted.contains(&column.as_str()) {
                continue;
            }
            let csv = app.get(&format!("{href}&format=csv")).await;
            assert_eq!(csv.status, 200, "{href}");
            let Some(figure) = number(&shown) else { continue };
            assert!(
                comes_to(&csv.body, figure) || figure == 0.0 && csv.body.lines().count() <= 1,
                "{page}: {column} says {shown}, and {href} opens to\n{}",
                csv.body
            );
            followed += 1;
        }
    }
    assert!(followed > 60, "only {followed} figures were followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_picture_and_table_has_its_formula_and_every_table_its_file() {
    let app = filled().await;
    for page in pages(&app).await {
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
            assert!(sheet.contains("class=\"formula\""), "{page}: {title} has no formula");
            let file = between(sheet, "class=\"more\" href=\"", "\"").first().copied();
            let file = file.unwrap_or_else(|| panic!("{page}: {title} has no file"));
            let csv = app.get(file).await;
            assert_eq!(csv.status, 200, "{file}");
            let kind = csv.headers["content-type"].to_str().unwrap().to_owned();
            assert!(kind.starts_with("text/csv"), "{file}: {kind}");
        }
        for tile in between(&html, "<li class=\"tile\">", "</li>") {
            let value = words(between(tile, "<p class=\"tile-value\">", "</p>")[0]);
            let is_count =
                !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == ',');
            assert!(
                !is_count || tile.contains("<a href="),
                "{page}: {} opens nothing",
                words(tile)
            );
        }
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
    for path in ["stages", "revenue", "payback"] {
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
