//! Where an endpoint leads: to one origin, or to those that the operator approved of what a provider discovers.

use std::fmt;

use super::denial::DenyReason;
use super::origin::Origin;
use super::origin_pattern::OriginPattern;
use super::request::Request;

/// Where an endpoint leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To this origin; requests name none.
    Fixed(Origin),
    /// To origins that each request names.
    Discovered {
        /// What the provider asks for.
        asked: OriginPattern,
        /// What the operator granted.
        granted: Vec<OriginPattern>,
    },
}

impl Destination {
    /// The origin to which a request goes.
    ///
    /// # Errors
    /// When it names one and must not, names none and must, or names one that is malformed, not asked for or not granted.
    pub(super) fn of(&self, request: &Request) -> Result<Origin, DenyReason> {
        match (self, &request.origin) {
            (Self::Fixed(origin), None) => Ok(origin.clone()),
            (Self::Fixed(_), Some(_)) => Err(DenyReason::OriginNotTaken),
            (Self::Discovered { .. }, None) => Err(DenyReason::OriginMissing),
            (Self::Discovered { asked, granted }, Some(text)) => {
                let origin: Origin = text.parse().map_err(|_| DenyReason::BadOrigin)?;
                if !asked.matches(&origin) {
                    Err(DenyReason::OriginNotAsked {
                        origin,
                        asked: Box::new(asked.clone()),
                    })
                } else if granted.iter().any(|pattern| pattern.matches(&origin)) {
                    Ok(origin)
                } else {
                    Err(DenyReason::OriginNotGranted { origin })
                }
            }
        }
    }
}

impl From<Origin> for Destination {
    fn from(origin: Origin) -> Self {
        Self::Fixed(origin)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(origin) => write!(formatter, "{origin}"),
            Self::Discovered { asked, .. } => write!(formatter, "{asked}"),
        }
    }
}
