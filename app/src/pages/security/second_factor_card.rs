//! Whether members who sign in with a password need a second factor.

use domain::{OrgSlug, view::SecondFactorRule};
use leptos::prelude::*;

use crate::{
    calls,
    components::{Confirm, OwnerPassword, Submit, counted},
    paths,
    server_fns::RequireSecondFactor,
};

mod text {
    pub const TITLE: &str = "Second factor";
    pub const LEAD: &str = "Members who sign in with a password show a code as well. Whoever an identity provider signs in shows it there.";
    pub const ON: &str = "Asked for";
    pub const OFF: &str = "Not asked for";
    pub const ASK: &str = "Ask for it";
    pub const STOP: &str = "Stop asking";
    pub const ASK_QUESTION: &str = "Ask every member for a second factor?";
    pub const ASK_TEXT: &str = "Whoever is signed in here without one is led to set one up with the next request. Other organisations of theirs are not affected. Tokens that they made go on.";
    pub const STOP_QUESTION: &str = "Stop asking for a second factor?";
    pub const STOP_TEXT: &str = "Members who have one go on using it, and may turn it off.";
    pub const FIRST: &str = "Set up a second factor for yourself first, so that you are not shut out.";
    pub const TO_ACCOUNT: &str = "Your account";
}

/// The card.
#[component]
pub fn SecondFactorCard(
    /// The rule.
    policy: SecondFactorRule,
    /// The organisation.
    org: OrgSlug,
    /// Changes it.
    require: ServerAction<RequireSecondFactor>,
) -> impl IntoView {
    let SecondFactorRule { required, without, viewer_has, can_manage } = policy;
    let (label, question, consequence) =
        if required { (text::STOP, text::STOP_QUESTION, text::STOP_TEXT) } else { (text::ASK, text::ASK_QUESTION, text::ASK_TEXT) };
    let pending = require.pending();
    let account = paths::account(&org);
    let may = can_manage && (required || viewer_has);
    view! {
        <section class="card mt-4" aria-labelledby="second-factor-policy-title">
            <div class="head flex-nowrap">
                <div class="min-w-0">
                    <h2 id="second-factor-policy-title">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
                <span class=if required { "badge good ml-auto shrink-0" } else { "badge ml-auto shrink-0" } data-testid="second-factor-policy">
                    {if required { text::ON } else { text::OFF }}
                </span>
            </div>
            <div class="body flex flex-wrap items-center gap-x-4 gap-y-3">
                <p class="min-w-0 flex-1 text-ink-2">
                    {match without {
                        0 => "Every member with a password has one.".to_owned(),
                        1 => "1 member has none yet.".to_owned(),
                        more => format!("{} have none yet.", counted(more, "member", "members")),
                    }}
                    {(can_manage && !required && !viewer_has).then(|| view! {
                        " " {text::FIRST} " " <a class="link" href=account>{text::TO_ACCOUNT}</a>
                    })}
                </p>
                {may.then(|| view! {
                    <Confirm id="second-factor-policy".to_owned() label class="btn" testid="require-second-factor" question consequence pending>
                        <ActionForm action=require clone:org>
                            <input type="hidden" name="org" value=org.to_string() />
                            <input type="hidden" name="on" value=(!required).to_string() />
                            <OwnerPassword error=calls::failure(require) place="second-factor".to_owned() />
                            <Submit label testid="require-second-factor-yes" pending />
                        </ActionForm>
                    </Confirm>
                })}
            </div>
        </section>
    }
}
