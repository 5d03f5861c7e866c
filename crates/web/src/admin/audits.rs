//! `/admin/audits`: who changed what.

use std::collections::HashMap;

use axum::extract::{Query, State};
use engine::EngineError;
use engine::audits::INSTALLATION;
use model::UtcMs;
use model::audits::Audit;
use model::operators::Role;
use serde::{Deserialize, Serialize};

use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Lines on a page.
const PAGE: i64 = 50;

/// Who changed what.
#[derive(Debug, Serialize)]
pub struct AuditsPage {
    frame: Frame,
    scope: &'static str,
    /// Whether the log of the whole installation is theirs to read.
    sees_all: bool,
    rows: Vec<AuditRow>,
    pager: Pager,
}

/// One line.
#[derive(Debug, Serialize)]
pub struct AuditRow {
    number: i64,
    at: UtcMs,
    who: String,
    action: String,
    object: String,
    data: String,
    seal: String,
}

impl AuditsPage {
    pub(crate) fn sample() -> Self {
        let row = AuditRow {
            number: 7,
            at: UtcMs(1_795_293_000_000),
            who: "Maren Holt".to_owned(),
            action: "key.made".to_owned(),
            object: "key_0000000000001".to_owned(),
            data: "{}".to_owned(),
            seal: "3fa85b91c2d0".to_owned(),
        };
        let frame = Frame::sample("settings");
        Self { frame, scope: "site", sees_all: true, rows: vec![row], pager: Pager::default() }
    }
}

/// Which lines.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    scope: String,
    before: Option<i64>,
}

/// The log, newest first.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    who.require(Role::Admin)?;
    let installation = asked.scope == "installation";
    if installation {
        // It tells of the operators of every site.
        who.require(Role::Owner)?;
    }
    let (site, scope) =
        if installation { (INSTALLATION, "installation") } else { (who.site.id, "site") };
    let before = asked.before.unwrap_or(i64::MAX);
    let (lines, names) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let lines = store::audits::list(session, site, before, PAGE).await?;
                let operators = store::operators::list(session).await?;
                let name =
                    |o: model::operators::Operator| (o.id.to_string(), o.shown_name().to_owned());
                Ok((lines, operators.into_iter().map(name).collect::<HashMap<_, _>>()))
            })
        })
        .await?;
    let next = lines.last().filter(|line| line.number > 1).map(|line| line.number);
    let page = AuditsPage {
        frame: who.frame("settings"),
        scope,
        sees_all: who.present.operator.role.may(Role::Owner),
        rows: lines.into_iter().map(|line| row(line, &names)).collect(),
        pager: Pager {
            next: next.map(|number| format!("/admin/audits?scope={scope}&before={number}")),
            ..Pager::default()
        },
    };
    reply::page("admin/audits/index.html", page)
}

fn row(line: Audit, names: &HashMap<String, String>) -> AuditRow {
    let shown = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    AuditRow {
        number: line.number,
        at: line.at,
        who: shown(&line.actor),
        action: line.action,
        object: shown(&line.object),
        data: if line.data == "null" { String::new() } else { line.data },
        seal: line.hash.chars().take(12).collect(),
    }
}
