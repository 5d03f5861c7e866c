//! What tests need of a PostgreSQL server besides a connection.

use tokio_postgres::NoTls;

use crate::Result;

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

/// Every migration's text of the main tables, then of the views.
pub fn migrations() -> Vec<&'static str> {
    let mut all = crate::migrate::text(crate::Schema::Main);
    all.extend(crate::migrate::text(crate::Schema::Views));
    all
}
