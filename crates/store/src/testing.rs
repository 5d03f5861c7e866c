//! What tests need of the store besides its rows: a fresh PostgreSQL database, the schema that the
//! migrations make, and how SQLite goes about a statement.

use std::path::Path;

use tokio_postgres::NoTls;

use crate::error::StoreError;
use crate::{Db, Options, Result, Schema};

/// What SQLite holds of the schema, a table with its indexes after it.
const WHOLE: &str = "select m.sql from sqlite_master m
    join sqlite_master t on t.type = 'table' and t.name = m.tbl_name
    where m.sql is not null and m.name not like 'sqlite%'
    order by t.name, case m.type when 'table' then 0 else 1 end, m.name";

/// Makes an empty database called `name` on the server of `base`, in place of one of that name.
pub async fn create_database(base: &str, name: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(base, NoTls).await?;
    let carrier = tokio::spawn(connection);
    client.batch_execute(&format!("drop database if exists {name} with (force)")).await?;
    client.batch_execute(&format!("create database {name} template template0")).await?;
    drop(client);
    carrier.abort();
    Ok(())
}

/// The whole schema as freshly migrated SQLite files in `folder` hold it: every table by name, its
/// indexes after it, the main file first.
///
/// # Errors
/// The folder cannot be written, or a migration fails.
pub async fn schema(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for options in [Options::main(), Options::views()] {
        let name = match options.schema {
            Schema::Main => "tundish.db",
            Schema::Views => "views.db",
        };
        text.push_str(&format!("\n-- {name}\n"));
        let db = Db::connect(&format!("sqlite:{}", folder.join(name).display()), options).await?;
        let statements: Vec<String> = db
            .reader()
            .read::<_, StoreError, _>(|session| Box::pin(session.query(WHOLE).all()))
            .await?;
        for statement in statements {
            text.push_str(&in_house_style(&statement));
        }
        db.close().await;
    }
    Ok(text)
}

/// How SQLite would answer each of `statements` in the file at `path`: a line for each table it
/// looks at.
///
/// # Errors
/// The file cannot be opened, or a statement does not prepare.
pub fn plans(path: &Path, statements: &[String]) -> Result<Vec<Vec<String>>> {
    let link = rusqlite::Connection::open(path)?;
    let plan = |sql: &String| {
        let mut statement = link.prepare(&format!("explain query plan {sql}"))?;
        let mut rows = statement.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            lines.push(row.get("detail")?);
        }
        Ok(lines)
    };
    statements.iter().map(plan).collect()
}

/// SQLite keeps a statement as it was typed, but for its first words, and without its semicolon.
fn in_house_style(statement: &str) -> String {
    let lower = ["CREATE TABLE ", "CREATE UNIQUE INDEX ", "CREATE INDEX "];
    let first = lower.iter().find(|words| statement.starts_with(**words));
    let (head, rest) = statement.split_at(first.map_or(0, |words| words.len()));
    let gap = if head.contains("TABLE") { "\n" } else { "" };
    let rest = rest.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("{gap}{}{rest};\n", head.to_lowercase())
}
