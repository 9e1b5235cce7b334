//! Everything that the page can do, and what it says afterwards.

use domain::view::{PersonPage, TimelineView};
use leptos::prelude::*;

use crate::{
    browser, calls,
    components::FormError,
    error::AppError,
    server_fns::{
        ApproveLink, BlockMember, DeclineLink, EditProfile, EndSession, EndSessions, GrantRole, RemoveMember, ResendActivation,
        RestoreMember, RevokeRole, SetBreakGlass, UnblockMember,
    },
};

/// The id of what is said.
const SAID: &str = "said";

macro_rules! deeds {
    ($($name:ident: $function:ident, $said:literal;)*) => {
        /// The actions of the page.
        #[derive(Clone, Copy)]
        pub struct Deeds {
            $(pub $name: ServerAction<$function>,)*
            said: RwSignal<&'static str>,
        }

        impl Deeds {
            /// The actions; each loads the page again when it has been done.
            pub fn new(person: Resource<Result<PersonPage, AppError>>, timeline: Resource<Result<TimelineView, AppError>>) -> Self {
                let deeds = Self { $($name: calls::action(),)* said: RwSignal::new("") };
                $(calls::refresh(deeds.$name, person, move || {
                    timeline.refetch();
                    deeds.forget_failures();
                    deeds.said.set($said);
                    browser::focus(SAID);
                });)*
                // What was said before is not about what went wrong now.
                Effect::new(move |_| {
                    let failed = [$(deeds.$name.value().with(|value| matches!(value, Some(Err(_)))),)*];
                    if failed.contains(&true) {
                        deeds.said.set("");
                    }
                });
                deeds
            }

            /// What went wrong before has been done by now, or is of no interest any more.
            fn forget_failures(self) {
                $(if self.$name.value().with_untracked(|value| matches!(value, Some(Err(_)))) {
                    self.$name.clear();
                })*
            }
        }

        /// What was done, or what went wrong.
        #[component]
        pub fn Said(
            /// The actions.
            deeds: Deeds,
        ) -> impl IntoView {
            let said = deeds.said;
            view! {
                $(<FormError error=calls::failure(deeds.$name) />)*
                <div role="status" tabindex="-1" id=SAID>
                    {move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4" data-testid="said">{said.get()}</p> })}
                </div>
            }
        }
    };
}

deeds! {
    grant: GrantRole, "The role is granted, and counts from the next request.";
    revoke: RevokeRole, "The role is taken away. What groups give stays.";
    block: BlockMember, "Blocked. Sessions and links have ended.";
    unblock: UnblockMember, "The block is lifted.";
    remove: RemoveMember, "The access has ended, with everything that hung off it.";
    restore: RestoreMember, "The access has begun again.";
    edit: EditProfile, "The name is changed.";
    end_session: EndSession, "The session has ended.";
    end_sessions: EndSessions, "All sessions have ended.";
    break_glass: SetBreakGlass, "Saved.";
    approve: ApproveLink, "The directory manages this person from now on.";
    decline: DeclineLink, "Declined. The directory user acts on nobody.";
    resend: ResendActivation, "Another activation mail goes out. The links in earlier ones stop working.";
}
