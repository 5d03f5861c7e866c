//! Brings the tables up to date: one folder of migrations, embedded, forward only, checksummed,
//! run under a lock, each in a transaction of its own.

use sha2::{Digest, Sha256};

use crate::db::{Db, Schema, Session, Tx};
use crate::error::StoreError;
use crate::{Result, dialect, statistics};

struct Migration {
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($path:literal),+ $(,)?) => {
        &[$(Migration { name: $path, sql: include_str!(concat!("../migrations/", $path)) }),+]
    };
}

#[rustfmt::skip]
const MAIN: &[Migration] = migrations![
    "main/0001_platform.sql",
    "main/0002_people.sql",
    "main/0003_mail.sql",
    "main/0004_shop.sql",
    "main/0005_admin.sql",
    "main/0007_pages.sql",
    "main/0008_numbers.sql",
    "main/0009_import_undo.sql",
    "main/0010_sequence_runs.sql",
    "main/0011_channel_rules.sql",
    "main/0013_customers.sql",
    "main/0017_order_sums.sql",
    "main/0018_learned.sql",
    "main/0012_roads.sql",
    "main/0014_scores.sql",
    "main/0019_sums.sql",
    "main/0020_unread.sql",
];

const VIEWS: &[Migration] = migrations!["views/0001_views.sql", "views/0002_left_out.sql"];

const LEDGER: &str = "create table if not exists migrations (
    name text primary key,
    checksum text not null
)";
const APPLIED: &str = "select name, checksum from migrations order by name";
const RECORD: &str = "insert into migrations (name, checksum) values ($1, $2)";
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(8095)";

fn of(schema: Schema) -> &'static [Migration] {
    match schema {
        Schema::Main => MAIN,
        Schema::Views => VIEWS,
    }
}

/// Applies what is missing.
///
/// # Errors
/// A migration that was applied has since changed, or the database knows one that we do not.
pub async fn up(db: &Db, schema: Schema) -> Result<()> {
    db.write(|tx| {
        Box::pin(async move {
            lock(tx).await?;
            tx.batch(LEDGER).await
        })
    })
    .await?;
    for migration in of(schema) {
        db.write::<_, StoreError, _>(|tx| Box::pin(apply(tx, migration))).await?;
    }
    db.write(move |tx| Box::pin(async move { refuse_newer(tx).await })).await?;
    statistics::settle(db).await
}

/// The migrations this database lacks.
///
/// # Errors
/// It knows one that we do not.
pub async fn pending(db: &Db, schema: Schema) -> Result<Vec<&'static str>> {
    let applied = db
        .reader()
        .read::<_, StoreError, _>(|session| {
            Box::pin(async move {
                // A database without a ledger has had no migration at all.
                if session.prepare_only(APPLIED).await.is_err() {
                    return Ok(Vec::new());
                }
                refuse_newer(session).await?;
                session.query(APPLIED).all::<(String, String)>().await
            })
        })
        .await?;
    let missing = of(schema).iter().map(|migration| migration.name);
    Ok(missing.filter(|name| !applied.iter().any(|(known, _)| known == name)).collect())
}

async fn lock(tx: &mut Tx<'_>) -> Result<()> {
    if tx.is_sqlite() { Ok(()) } else { tx.batch(LOCK_POSTGRES).await }
}

async fn apply(tx: &mut Tx<'_>, migration: &Migration) -> Result<()> {
    lock(tx).await?;
    let checksum = checksum(migration.sql);
    let applied = tx.query(APPLIED).all::<(String, String)>().await?;
    if let Some((_, was)) = applied.iter().find(|(name, _)| name == migration.name) {
        if *was == checksum {
            return Ok(());
        }
        return Err(StoreError::Version(format!(
            "migration {} was changed after it had been applied to this database; \
             start with the program version that made it",
            migration.name
        )));
    }
    let sql = if tx.is_sqlite() {
        dialect::ddl_for_sqlite(migration.sql)
    } else {
        dialect::ddl_for_postgres(migration.sql)
    };
    tx.batch(&sql).await?;
    tx.query(RECORD).bind(migration.name).bind(checksum).run().await?;
    Ok(())
}

async fn refuse_newer(session: &mut Session<'_>) -> Result<()> {
    for (name, _) in session.query(APPLIED).all::<(String, String)>().await? {
        if !MAIN.iter().chain(VIEWS).any(|known| known.name == name) {
            return Err(StoreError::Version(format!(
                "the database was made by a newer tundish (it knows {name}); start that one"
            )));
        }
    }
    Ok(())
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
