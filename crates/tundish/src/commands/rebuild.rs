//! `tundish rebuild`: what is derived is made anew from its rows.

use serde::Serialize;

use super::{Call, site};
use crate::cli::RebuildCommand;
use crate::install;

/// What a rebuild did to a site.
#[derive(Serialize)]
struct Done {
    site: String,
    orders_mended: usize,
    sums_mended: usize,
    days_counted: usize,
    view_days_counted: usize,
    roads_mended: usize,
}

/// Makes the rollups of the pages of figures anew, beside a running server.
///
/// # Errors
/// There is no such site, or the database fails.
pub async fn run(call: &Call, command: &RebuildCommand) -> anyhow::Result<()> {
    let RebuildCommand::Rollups { site: slug } = command;
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let done = async {
        let sites = match slug.as_deref() {
            Some(slug) => vec![site::find(engine, Some(slug)).await?],
            None => site::all(engine).await?,
        };
        let mut all = Vec::new();
        for site in sites {
            let rebuilt = engine::rollups::rebuild(engine, &site).await?;
            all.push(Done {
                site: site.slug,
                orders_mended: rebuilt.orders,
                sums_mended: rebuilt.sums,
                days_counted: rebuilt.days,
                view_days_counted: rebuilt.view_days,
                roads_mended: rebuilt.roads,
            });
        }
        anyhow::Ok(all)
    };
    let done = done.await;
    installation.close().await?;
    let done = done?;
    let line = |site: &Done| {
        let (name, orders, days) = (&site.site, site.orders_mended, site.days_counted);
        let (sums, views, roads) = (site.sums_mended, site.view_days_counted, site.roads_mended);
        format!(
            "{name}: {orders} figures of orders, {sums} sums and {roads} of roads mended, \
             {days} days counted, \
             {views} of page views"
        )
    };
    call.output.either(&done, || done.iter().map(line).collect())
}
