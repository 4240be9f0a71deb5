//! Why there is no page.

use axum::http::StatusCode;
use pyheap_engine::AskError;

/// Why a view, or a question of a program, has no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What was asked for is not there.
    Missing(String),
    /// What was asked for makes no sense.
    Wrong(String),
    /// It is being made; what is being done stands in the text.
    NotYet(String),
    /// It takes longer than a request may.
    TooLong,
    /// The answer cannot be made.
    Failed(String),
}

impl Trouble {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::NotYet(_) | Self::TooLong => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it is, in a few words.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Missing(_) => "Not in this dump",
            Self::Wrong(_) => "This cannot be asked",
            Self::NotYet(_) => "One moment",
            Self::TooLong => "This takes too long",
            Self::Failed(_) => "No answer",
        }
    }

    /// What is wrong, in a sentence.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Missing(text) | Self::Wrong(text) | Self::NotYet(text) | Self::Failed(text) => text,
            Self::TooLong => {
                "going through the heap took longer than a page may take: ask for less, or use the command line"
            }
        }
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NoObject { .. } | AskError::NoInstance { .. } => Self::Missing(error.to_string()),
            AskError::Cancelled(_) | AskError::TooLong { .. } => Self::TooLong,
            AskError::Interpreter => Self::Failed(error.to_string()),
            _ => Self::Wrong(error.to_string()),
        }
    }
}
