//! Which sweeps have anything to do: all of it asked in one read, so that a server at rest asks two
//! questions a second, and not thirty.

use model::jobs::Lane;
use model::{SiteId, UtcMs};
use store::Session;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{clicks, jobs, rollups, scores};

/// One row says that there are some.
const ANY: i64 = 1;

/// What is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each sweep")]
pub(super) struct Due {
    /// The stamp of the last change of content.
    pub revision: i64,
    pub payments: bool,
    pub unpaid: bool,
    pub receipts: bool,
    pub carts: bool,
    pub referrals: bool,
    pub jobs: bool,
    pub imports: bool,
    pub undos: bool,
    pub sequence_runs: bool,
    pub enrolments: bool,
    /// Messages that wait for an instant.
    pub waits: bool,
    /// Messages that are to leave.
    pub mail: bool,
    pub clicks: bool,
    pub figures: bool,
    pub scores: bool,
}

impl Due {
    /// Where it cannot be said: each sweep looks for itself.
    pub fn all() -> Self {
        Self {
            revision: 0,
            payments: true,
            unpaid: true,
            receipts: true,
            carts: true,
            referrals: true,
            jobs: true,
            imports: true,
            undos: true,
            sequence_runs: true,
            enrolments: true,
            waits: true,
            mail: true,
            clicks: true,
            figures: true,
            scores: true,
        }
    }

    /// What is due now.
    pub async fn read(engine: &Engine) -> Result<Self> {
        let (now, steady) = (engine.now(), engine.lease_now());
        engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let revision = store::meta::revision(session).await?;
                    let mut due = Self { revision, ..Self::default() };
                    due.read_shop(session, now).await?;
                    due.read_people(session, now).await?;
                    due.read_mail(session, now, steady).await?;
                    due.jobs = jobs::is_due(session, Lane::Rounds, now, steady).await?;
                    due.figures = rollups::is_due(session, now).await?;
                    due.scores = scores::keep::is_due(session, now).await?;
                    Ok(due)
                })
            })
            .await
    }

    async fn read_shop(&mut self, session: &mut Session<'_>, now: UtcMs) -> Result<()> {
        self.payments = !store::payments::due(session, now, ANY).await?.is_empty();
        self.unpaid = !store::orders::to_expire(session, now, ANY).await?.is_empty();
        self.receipts = !store::orders::to_close(session, now, ANY).await?.is_empty();
        self.carts = !store::carts::due(session, now, ANY).await?.is_empty();
        self.referrals = !store::referrals::due(session, now, ANY).await?.is_empty();
        Ok(())
    }

    async fn read_people(&mut self, session: &mut Session<'_>, now: UtcMs) -> Result<()> {
        self.imports = store::imports::running(session).await?.is_some();
        self.undos = store::import_changes::running_undo(session).await?.is_some();
        self.sequence_runs = !store::sequence_runs::due(session, now, ANY).await?.is_empty();
        self.enrolments = !store::enrolments::due(session, now, ANY).await?.is_empty();
        let before = clicks::judged_before(now);
        self.clicks = !store::clicks::open(session, before, ANY).await?.is_empty();
        Ok(())
    }

    async fn read_mail(
        &mut self,
        session: &mut Session<'_>,
        now: UtcMs,
        steady: UtcMs,
    ) -> Result<()> {
        let lease_now = store::nodes::db_now(session, steady).await?;
        self.waits = store::messages::has_over(session, lease_now).await?;
        for site in store::sites::ids(session).await? {
            self.read_mail_of(session, site, now).await?;
        }
        Ok(())
    }

    async fn read_mail_of(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        now: UtcMs,
    ) -> Result<()> {
        if !self.waits {
            self.waits = store::messages::has_waited(session, site, now).await?;
        }
        if !self.mail {
            self.mail = store::messages::count_due(session, site, now, ANY).await? > 0;
        }
        Ok(())
    }
}
