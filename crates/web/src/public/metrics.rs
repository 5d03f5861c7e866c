//! `GET /metrics`: the figures of the process in the text format of Prometheus, for programs with a
//! key that may see them. Counts and words only: no address, no name.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use model::keys::Scope;

use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::state::AppState;

/// The text format's own version.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures of the key's site.
pub async fn show(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::MetricsRead)?;
    let (site, now) = (caller.site.id, state.engine.now());
    let (counts, queued, due, jobs, job_due) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok((
                    store::messages::kept_counts(session, site).await?,
                    store::messages::count_queued(session, site).await?,
                    store::messages::next_due(session, site).await?,
                    store::jobs::count_open(session).await?,
                    store::jobs::next_due(session).await?,
                ))
            })
        })
        .await?;
    let late = |due: Option<model::UtcMs>| due.map_or(0, |due| now.since_ms(due).max(0) / 1_000);
    let mut text = Text::default();
    text.head("tundish_info", "gauge", "The version that runs.");
    text.line("tundish_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.head("tundish_messages", "gauge", "Messages that wait or were stopped, by state.");
    text.line("tundish_messages", &[("state", "queued"), ("site", &caller.site.slug)], queued);
    let mut states: std::collections::BTreeMap<&str, i64> = std::collections::BTreeMap::new();
    for one in &counts {
        *states.entry(one.state.as_str()).or_default() += one.count;
    }
    for (state, count) in states {
        text.line("tundish_messages", &[("state", state), ("site", &caller.site.slug)], count);
    }
    text.head("tundish_messages_late_seconds", "gauge", "How long the next message is overdue.");
    text.line("tundish_messages_late_seconds", &[("site", &caller.site.slug)], late(due));
    text.head("tundish_jobs_open", "gauge", "Jobs that are not ended.");
    text.line("tundish_jobs_open", &[], jobs);
    text.head("tundish_jobs_late_seconds", "gauge", "How long the next job is overdue.");
    text.line("tundish_jobs_late_seconds", &[], late(job_due));
    Ok(([(header::CONTENT_TYPE, KIND)], text.0).into_response())
}

/// The text as it grows.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: i64) {
        // Labels are slugs, states and versions: nothing in them needs escaping.
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0.push_str(&format!("{name}{labels} {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_one_line_with_its_labels() {
        let mut text = Text::default();
        text.head("tundish_jobs_open", "gauge", "Jobs.");
        text.line("tundish_jobs_open", &[], 3);
        text.line("tundish_messages", &[("state", "held"), ("site", "shop")], 2);
        assert_eq!(
            text.0,
            "# HELP tundish_jobs_open Jobs.\n# TYPE tundish_jobs_open gauge\n\
             tundish_jobs_open 3\ntundish_messages{state=\"held\",site=\"shop\"} 2\n"
        );
    }
}
