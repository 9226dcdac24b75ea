//! The provider against scripted answers: what it sends, and what it makes of the answers.
