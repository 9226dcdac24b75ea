//! Outbound HTTP. Everything is denied until grants arrive.

/// The way out.
#[derive(Debug, Default)]
pub struct HttpClient;

/// What a call has used.
#[derive(Debug, Default)]
pub struct CallBudget;

impl HttpClient {
    /// A client that denies everything.
    pub fn without_grants() -> Self {
        Self
    }

    /// A new call's budget.
    pub fn new_budget(&self) -> CallBudget {
        CallBudget
    }
}
