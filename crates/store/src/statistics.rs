//! What SQLite is told of how many rows stand behind each index.
//!
//! `site_id` begins every key, and what nobody counted SQLite takes for ten rows: it would rather
//! walk a whole site than sort the three rows of one order. Counting for real would count an empty
//! shop, or change a plan under its owner's hands. So the figures are made from the names of the
//! columns, the same everywhere; a test looks at every plan that comes of them.

use crate::Result;
use crate::db::{Db, Tx};
use crate::error::StoreError;

/// The tables that grow with contacts, mails and orders. Of the others, which hold what somebody
/// set up, SQLite's ten rows are near enough.
pub const GROWING: &[&str] = &[
    "address_limits",
    "api_replies",
    "audits",
    "carts",
    "clicks",
    "confirmations",
    "consents",
    "contact_chances",
    "contact_scores",
    "contact_tags",
    "contact_topics",
    "contacts",
    "coupon_redemptions",
    "coupons",
    "customer_figures",
    "customer_sums",
    "enrolments",
    "entitlements",
    "events",
    "figure_offers",
    "import_changes",
    "import_errors",
    "invoices",
    "jobs",
    "journey_marks",
    "journeys",
    "ledger_lines",
    "magnet_claims",
    "message_attempts",
    "messages",
    "offer_deadlines",
    "order_figures",
    "order_lines",
    "order_offers",
    "order_sums",
    "orders",
    "page_views",
    "payments",
    "referrals",
    "refunds",
    "road_decays",
    "road_sums",
    "segment_members",
    "sequence_run_people",
    "submissions",
    "suppressions",
    "test_charges",
    "touches",
    "visits",
];
/// Rows of a table that has grown.
const ROWS: i64 = 1_000_000;
/// Of these, those that an index `where …` holds.
const ROWS_OF_SOME: i64 = 100_000;

/// The columns of every index in their order, with the name under which its figures are kept: a
/// table that is its own key has them under its own.
const INDEXES: &str = r#"select t.name,
        case when t.wr = 1 and i.origin = 'pk' then t.name else i.name end,
        i."unique" = 1, i.partial = 1, c.name
    from pragma_table_list t
    join pragma_index_list(t.name) i
    join pragma_index_xinfo(i.name) c
    where t.schema = 'main' and t.type = 'table' and c.key = 1
    order by t.name, i.name, c.seqno"#;
const KNOWN: &str = "select count(*) from sqlite_master where name = 'sqlite_stat1'";
const WRITTEN: &str = "select tbl, idx, stat from sqlite_stat1 where idx is not null
    order by tbl, idx";
const WRITE: &str = "insert into sqlite_stat1 (tbl, idx, stat) values ($1, $2, $3)";
/// Makes the table of figures: nothing else may.
const MAKE: &str = "drop table if exists sqlite_stat1; analyze migrations;
    delete from sqlite_stat1";
/// The connection at hand takes them up; others do at their next statement, the schema being new.
const TAKE_UP: &str = "analyze sqlite_schema";

/// One row of `sqlite_stat1`: table, index, rows of the table and rows behind each further column.
type Figures = (String, String, String);

/// Writes the figures where they are not those of this program. Does nothing on PostgreSQL, which
/// counts by itself.
///
/// # Errors
/// The database cannot be written.
pub async fn settle(db: &Db) -> Result<()> {
    if !db.is_sqlite() {
        return Ok(());
    }
    db.write::<_, StoreError, _>(|tx| Box::pin(write(tx))).await
}

async fn write(tx: &mut Tx<'_>) -> Result<()> {
    let mut figures = figures(&tx.query(INDEXES).all().await?);
    figures.sort();
    let known = tx.query(KNOWN).one::<i64>().await? > 0;
    if known && tx.query(WRITTEN).all::<Figures>().await? == figures {
        return Ok(());
    }
    tx.batch(MAKE).await?;
    for (table, index, stat) in figures {
        tx.query(WRITE).bind(table).bind(index).bind(stat).run().await?;
    }
    tx.batch(TAKE_UP).await
}

/// `(table, index, unique, of some rows, column)` of every column of every index, in order.
fn figures(columns: &[(String, String, bool, bool, String)]) -> Vec<Figures> {
    let growing = columns.iter().filter(|column| GROWING.contains(&column.0.as_str()));
    let growing: Vec<_> = growing.collect();
    let each = growing.chunk_by(|a, b| a.1 == b.1).filter_map(|index| {
        let (table, name, unique, some, _) = index.first()?;
        let names: Vec<&str> = index.iter().map(|column| column.4.as_str()).collect();
        Some((table.clone(), name.clone(), stat(&names, *unique, *some)))
    });
    each.collect()
}

/// Rows of the index, then how many share the first column, the first two, and so on.
fn stat(columns: &[&str], unique: bool, some: bool) -> String {
    let mut behind = if some { ROWS_OF_SOME } else { ROWS };
    let mut words = vec![behind.to_string()];
    for (n, column) in columns.iter().enumerate() {
        behind = (behind / different(column)).max(2);
        let is_whole = unique && n + 1 == columns.len();
        words.push(if is_whole { 1 } else { behind }.to_string());
    }
    words.join(" ")
}

/// How many different values a column has.
fn different(column: &str) -> i64 {
    match column {
        "site_id" => 1,
        "state" | "kind" | "status" | "purpose" | "source_kind" => 5,
        "version_id" | "sequence_id" | "form_id" | "magnet_id" | "product_id" | "offer_id"
        | "topic_id" | "import_id" | "coupon_id" | "source_id" | "tag" => 100,
        column if column.ends_with("_id") => ROWS / 5,
        _ => ROWS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_large_an_order_is_small_and_a_key_is_one_row() {
        assert_eq!(stat(&["site_id", "order_id"], false, false), "1000000 1000000 5");
        assert_eq!(stat(&["site_id", "id"], true, false), "1000000 1000000 1");
        assert_eq!(stat(&["state", "check_at"], false, true), "100000 20000 2");
    }
}
