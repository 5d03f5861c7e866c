//! What a job must do: the payloads, versioned by the names of their variants. A variant that is
//! renamed or changed in meaning gets a new name, so that jobs made by an older program are read.

use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Deletes jobs that ended long ago.
    ForgetDoneJobs,
    /// Gives every touch of a site its channel anew.
    Channels,
    /// Learns who buys.
    LearnScores {
        /// When it was asked for.
        asked: i64,
    },
    /// Asks a provider to pay back.
    Refund {
        /// The raw id of the refund.
        refund: i64,
    },
}

impl Work {
    /// The word its row carries.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ForgetDoneJobs => "forget_done_jobs",
            Self::Channels => "channels",
            Self::LearnScores { .. } => "learn_scores",
            Self::Refund { .. } => "refund",
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
