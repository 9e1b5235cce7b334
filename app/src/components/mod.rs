//! What pages are built of. Each component knows how it looks and behaves, and nothing of what it is used for.

mod confirm;
mod copy_field;
mod entrance;
mod face;
mod field;
mod filter_form;
mod form;
mod frame;
mod last_drill;
mod numbers;
mod owner_password;
mod page_header;
mod pager;
mod placeholder;
mod problem;
mod rotate;
mod secret;
mod time;

pub use confirm::Confirm;
pub use copy_field::CopyField;
pub use entrance::Entrance;
pub use face::{Face, initials};
pub use field::{Field, PasswordField, TextArea, at, describedby, input_id};
pub use filter_form::{Choice, FilterForm};
pub use form::{FormError, Submit};
pub use frame::{Frame, OrgOfPage, ViewerOfPage};
pub use last_drill::{LastDrillLine, load_last_drill};
pub use numbers::{counted, thousands};
pub use owner_password::OwnerPassword;
pub use page_header::PageHeader;
pub use pager::Pager;
pub use placeholder::{CardSkeleton, EmptyState};
pub use problem::{NotFoundInOrg, NotFoundPage, Problem};
pub use rotate::{RETIRE, RetireField, Rotate};
pub use secret::{Secret, SecretForm, ShownOnce, Typed, forget_when_gone};
pub use time::{Ago, Day, LastUsed};

use leptos::prelude::*;

/// Whether the page has come to life: what needs a script can be shown now.
#[derive(Clone, Copy)]
pub struct Hydrated(pub ReadSignal<bool>);

/// Whether the page has come to life.
pub fn hydrated() -> ReadSignal<bool> {
    use_context::<Hydrated>().map_or_else(|| signal(false).0, |Hydrated(yes)| yes)
}
