//! What a job must do: the payloads, versioned by the names of their variants. A variant that is
//! renamed or changed in meaning gets a new name, so that jobs made by an older program are read.

use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Deletes jobs that ended long ago.
    ForgetDoneJobs,
    /// Counts both sums of the reconciliation.
    Balance,
    /// Gives every touch of a site its channel anew.
    Channels,
    /// Gives a chance to those whose first days are over, or learns anew where that is a week old.
    Chances,
    /// Counts the members of a segment.
    CountSegment {
        /// The raw id of the segment.
        segment: i64,
    },
    /// Fits the models of what customers will buy.
    Fits,
    /// Learns who buys.
    LearnScores {
        /// When it was asked for.
        asked: i64,
    },
    /// Makes every sum of a site anew.
    Rebuild,
    /// Counts the visitors of yesterday, whom several nodes saw.
    RecountViews,
    /// Asks a provider to pay back.
    Refund {
        /// The raw id of the refund.
        refund: i64,
    },
    /// Weighs what is bought beside what.
    WeighPairs,
}

/// Where a job is worked on: what takes long keeps nothing waiting that takes a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// In the rounds of the scheduler, many at once.
    Rounds,
    /// Beside them, one at a time: it takes seconds.
    Counting,
    /// Beside both, one at a time and one for each site: it may take minutes.
    Rebuilding,
}

impl Lane {
    /// The kinds of work that are done here; of the rounds, those that are not.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Rounds => &[
                "count_segment",
                "fits",
                "chances",
                "recount_views",
                "channels",
                "rebuild",
                "learn_scores",
                "weigh_pairs",
                "balance",
            ],
            Self::Counting => &["count_segment", "fits", "chances", "recount_views"],
            Self::Rebuilding => &["channels", "rebuild", "learn_scores", "weigh_pairs", "balance"],
        }
    }

    /// Whether work of this kind is done here.
    pub fn does(self, kind: &str) -> bool {
        self.kinds().contains(&kind) != (self == Self::Rounds)
    }
}

impl Work {
    /// The word its row carries.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ForgetDoneJobs => "forget_done_jobs",
            Self::Balance => "balance",
            Self::Channels => "channels",
            Self::Chances => "chances",
            Self::CountSegment { .. } => "count_segment",
            Self::Fits => "fits",
            Self::LearnScores { .. } => "learn_scores",
            Self::Rebuild => "rebuild",
            Self::RecountViews => "recount_views",
            Self::Refund { .. } => "refund",
            Self::WeighPairs => "weigh_pairs",
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// To be tried again after this many milliseconds.
    Later {
        /// Why not now.
        why: String,
        /// Milliseconds from now.
        after_ms: i64,
    },
    /// It cannot be done; a person must look.
    Dead(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_is_done_in_one_place() {
        let all = [
            Work::ForgetDoneJobs,
            Work::Balance,
            Work::Channels,
            Work::Chances,
            Work::CountSegment { segment: 1 },
            Work::Fits,
            Work::LearnScores { asked: 1 },
            Work::Rebuild,
            Work::RecountViews,
            Work::Refund { refund: 1 },
            Work::WeighPairs,
        ];
        let lanes = [Lane::Rounds, Lane::Counting, Lane::Rebuilding];
        for work in all {
            let text = serde_json::to_string(&work).unwrap();
            assert!(text.contains(work.kind()), "{text} is {}", work.kind());
            assert_eq!(lanes.iter().filter(|lane| lane.does(work.kind())).count(), 1, "{text}");
        }
        assert!(Lane::Rounds.does("of another version"), "somebody must say that it is not known");
    }
}
