//! A person's own account: how she proves who she is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a person sees of her own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// When this was read.
    pub now: Timestamp,
    /// The address that she signs in with.
    pub email: Option<String>,
    /// Whether she signs in with a password.
    pub has_password: bool,
    /// Since when she has a second factor, if she has one.
    pub second_factor_since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
    /// Whether this organisation asks for a second factor.
    pub required: bool,
}

/// An authenticator's secret at the one moment when it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorOffer {
    /// The secret, in base 32, for typing.
    pub secret: String,
    /// Modules on a side of the QR code that holds it.
    pub side: u64,
    /// The dark modules, as the path of an SVG whose unit is one module.
    pub dark: String,
}

impl fmt::Debug for SecondFactorOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondFactorOffer(…)")
    }
}

/// Recovery codes at the one moment when they are shown, and where to go on from there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The codes.
    pub codes: Vec<String>,
    /// The page to go on to.
    pub next: String,
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Whom a link that sets a password anew is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetView {
    /// The address that it was mailed to.
    pub email: String,
}

/// Whether members who sign in with a password need a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorRule {
    /// Whether they do.
    pub required: bool,
    /// Members with access who have a password and no second factor.
    pub without: u64,
    /// Whether the viewer signed in with a second factor: whoever asks others for it has one.
    pub viewer_has: bool,
    /// Whether the viewer may change it.
    pub can_manage: bool,
}
