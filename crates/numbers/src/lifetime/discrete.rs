//! BG/BB, for chances to buy that come round one by one, as an appeal once a year: Fader, Hardie &
//! Shang 2010, *Customer-Base Analysis in a Discrete-Time Noncontractual Setting*, Marketing
//! Science 29(6).
//!
//! Before each season a customer leaves with a chance θ ~ Beta(γ, δ), and who is there buys with a
//! chance p ~ Beta(α, β). With x purchases in n seasons, the last in season t_x, the likelihood is
//! B(α+x, β+n−x)/B(α, β) · B(γ, δ+n)/B(γ, δ), still there, plus for each i from 0 to n−t_x−1
//! B(α+x, β+t_x−x+i)/B(α, β) · B(γ+1, δ+t_x+i)/B(γ, δ), left before season t_x+i+1.

use super::fitted::Named;
use super::jet::{Block, Jet, Mixture};
use super::newton::{self, Point};
use super::rising::{Rise, Rises, beta_block};
use super::{Fitted, Unfit};
use crate::real::real;

/// The chances to buy and to leave in a season are each Beta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discrete {
    /// The weight on buying.
    pub alpha: f64,
    /// The weight on not buying.
    pub beta: f64,
    /// The weight on leaving.
    pub gamma: f64,
    /// The weight on staying.
    pub delta: f64,
}

/// A row of a matrix of recency and frequency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seasons {
    /// How many customers.
    pub customers: u64,
    /// Seasons with a purchase, the first purchase not counted: x.
    pub repeats: u32,
    /// The season of the last one; 0 where there is none: t_x.
    pub last: u32,
    /// Seasons since the first purchase: n.
    pub seasons: u32,
}

/// More seasons than there are; a bound on sums.
const SEASONS_MAX: u32 = 10_000;

/// Rising factorials of the four parameters and the two sums.
struct Tables {
    alpha: Rises,
    beta: Rises,
    buying: Rises,
    gamma: Rise,
    delta: Rises,
    leaving: Rises,
}

impl Discrete {
    /// The model of greatest likelihood for `rows`.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn fit(rows: &[Seasons]) -> Result<Fitted<Self>, Unfit> {
        let sound = |row: &Seasons| {
            row.repeats <= row.last
                && row.last <= row.seasons
                && row.seasons <= SEASONS_MAX
                && (row.repeats > 0) == (row.last > 0)
        };
        if let Some(at) = rows.iter().position(|row| !sound(row)) {
            return Err(Unfit::Row(at));
        }
        if rows.iter().all(|row| row.customers == 0 || row.repeats == 0) {
            return Err(Unfit::NobodyCameBack);
        }
        let starts = [[1.0, 1.0, 1.0, 3.0], [0.5, 2.0, 0.5, 2.0], [2.0, 1.0, 0.2, 4.0]]
            .map(|start| start.map(f64::ln));
        let peak = newton::best(&starts, |at| Self::at(at).point(rows)).ok_or(Unfit::Unsettled)?;
        let model = Self::at(&peak.at);
        Ok(Fitted::of(model, model.named(), &peak, without_churn(rows)))
    }

    fn at(logs: &[f64]) -> Self {
        let mut values = logs.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        Self { alpha: next(), beta: next(), gamma: next(), delta: next() }
    }

    fn named(&self) -> Named {
        let Self { alpha, beta, gamma, delta } = *self;
        [("alpha", alpha), ("beta", beta), ("gamma", gamma), ("delta", delta)]
    }

    fn tables(&self, most: u32) -> Tables {
        Tables {
            alpha: Rises::new(self.alpha, most),
            beta: Rises::new(self.beta, most),
            buying: Rises::new(self.alpha + self.beta, most),
            gamma: Rise::of(self.gamma, 1),
            delta: Rises::new(self.delta, most),
            leaving: Rises::new(self.gamma + self.delta, most),
        }
    }

    fn point(&self, rows: &[Seasons]) -> Point {
        let tables = self.tables(rows.iter().map(|row| row.seasons).max().unwrap_or(0));
        let mut sum = Jet::default();
        for row in rows {
            sum.add(real(row.customers), &self.parts(row, &tables).1.ln());
        }
        sum.into()
    }

    /// ln of the likelihood that the customer is still there, and of all there is.
    fn parts(&self, row: &Seasons, tables: &Tables) -> (f64, Mixture) {
        let Seasons { repeats, last, seasons, .. } = *row;
        let seen = |seasons: u32| {
            let (bought, not) = (tables.alpha.at(repeats), tables.beta.at(seasons - repeats));
            beta_block(self.alpha, self.beta, bought, not, tables.buying.at(seasons))
        };
        let left = |leaves: Rise, stayed: u32, chances: u32| {
            let (stays, both) = (tables.delta.at(stayed), tables.leaving.at(chances));
            beta_block(self.gamma, self.delta, leaves, stays, both)
        };
        let mut mixture = Mixture::empty();
        let there = Jet::of(&seen(seasons), &left(Rise::default(), seasons, seasons));
        mixture.add(&there);
        for before in last..seasons {
            mixture.add(&Jet::of(&seen(before), &left(tables.gamma, before, before + 1)));
        }
        (there.value, mixture)
    }

    /// ln of the likelihood of one customer of the row.
    pub fn log_likelihood(&self, row: &Seasons) -> f64 {
        self.parts(row, &self.tables(row.seasons)).1.ln().value
    }

    /// The chance that the customer was there at the end of the last season.
    fn there(&self, row: &Seasons) -> f64 {
        let (there, all) = self.parts(row, &self.tables(row.seasons));
        (there - all.ln().value).exp()
    }

    /// The chance that the customer is there in the next season.
    pub fn alive(&self, row: &Seasons) -> f64 {
        self.there(row) * self.stays(f64::from(row.seasons))
    }

    /// The chance that one who was there for `seasons` does not leave before the next.
    fn stays(&self, seasons: f64) -> f64 {
        (self.delta + seasons) / (self.gamma + self.delta + seasons)
    }

    /// Purchases expected of the customer in the next `seasons`: P(there) (α+x)/(α+β+n) times the
    /// seasons the customer is expected to be there, Σ Π (δ+n+i)/(γ+δ+n+i).
    pub fn expected(&self, row: &Seasons, seasons: u32) -> f64 {
        let past = f64::from(row.seasons);
        let (mut staying, mut span) = (1.0, 0.0);
        for next in 0..seasons {
            staying *= self.stays(past + f64::from(next));
            span += staying;
        }
        let buys = (self.alpha + f64::from(row.repeats)) / (self.alpha + self.beta + past);
        self.there(row) * buys * span
    }

    /// Repeat purchases expected of a new customer in the first `seasons`.
    pub fn expected_new(&self, seasons: u32) -> f64 {
        self.expected(&Seasons::default(), seasons)
    }
}

/// ln of the greatest likelihood of a model in which nobody leaves.
fn without_churn(rows: &[Seasons]) -> Option<f64> {
    let most = rows.iter().map(|row| row.seasons).max().unwrap_or(0);
    let starts = [[0.0, 0.0], [-1.0, 1.0]];
    let peak = newton::best(&starts, |at| {
        let mut values = at.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        let (alpha, beta) = (next(), next());
        let tables = [alpha, beta, alpha + beta].map(|z| Rises::new(z, most));
        let [of_alpha, of_beta, of_both] = &tables;
        let mut sum = Jet::default();
        for row in rows {
            let not = of_beta.at(row.seasons.saturating_sub(row.repeats));
            let both = of_both.at(row.seasons);
            let block = beta_block(alpha, beta, of_alpha.at(row.repeats), not, both);
            sum.add(real(row.customers), &Jet::of(&block, &Block::default()));
        }
        sum.of_first_two()
    });
    peak.map(|peak| peak.value)
}
