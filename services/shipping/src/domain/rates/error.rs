//! Why a profile is not set or not read.

use kernel::{Classified, ErrorKind, FieldViolation};

/// Why a profile is not set or not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatesError {
    /// The parts of a profile do not fit together.
    #[error("the profile is not valid: {}", listed(.0))]
    InvalidProfile(Vec<FieldViolation>),
    /// Two rates of a zone hold for the same goods, and neither says which.
    #[error(
        "profile.zones[{zone}].rates[{rate}] holds for a service, currency and weight for which rates[{other}] holds"
    )]
    RatesOverlap {
        /// Index of the zone.
        zone: usize,
        /// Index of the rate in its zone.
        rate: usize,
        /// Index of an earlier one that holds for the same.
        other: usize,
    },
    /// The profile would be another seller's.
    #[error("this is not the seller that you act for")]
    NotYourProfile,
    /// Neither the seller has a profile nor the marketplace, or it is none of the caller's business.
    #[error("no shipping profile holds for this seller")]
    ProfileNotFound,
}

impl Classified for RatesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidProfile(_) | Self::RatesOverlap { .. } => ErrorKind::InvalidArgument,
            Self::NotYourProfile => ErrorKind::PermissionDenied,
            Self::ProfileNotFound => ErrorKind::NotFound,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::InvalidProfile(_) => "INVALID_REQUEST",
            Self::RatesOverlap { .. } => "RATES_OVERLAP",
            Self::NotYourProfile => "NOT_YOURS",
            Self::ProfileNotFound => "SHIPPING_PROFILE_NOT_FOUND",
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::InvalidProfile(violations) => violations.clone(),
            Self::RatesOverlap { zone, rate, other } => {
                let problem = format!("holds for a service, currency and weight for which rates[{other}] holds");
                vec![FieldViolation::new(format!("profile.zones[{zone}].rates[{rate}]"), problem)]
            }
            Self::NotYourProfile => vec![FieldViolation::new("profile.seller_id", self)],
            Self::ProfileNotFound => vec![FieldViolation::new("seller_id", self)],
        }
    }
}

fn listed(violations: &[FieldViolation]) -> String {
    let each = violations.iter().map(|violation| format!("{}: {}", violation.field, violation.description));
    each.collect::<Vec<_>>().join("; ")
}
