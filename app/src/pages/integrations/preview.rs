//! What would change if something were done with a mapping; and the form that does exactly that.

use domain::{
    DirectoryGroupId, MappingId, OrgRole, OrgSlug, TeamRole,
    mapping::{MappingAction, MappingTarget},
    view::{MappingPlan, PlannedChange},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

use super::map_form;
use crate::{
    calls,
    components::{CardSkeleton, FormError, OrgOfPage, OwnerPassword, PageHeader, Pager, Problem, Submit, counted, thousands},
    error::AppError,
    pages::leaving,
    paths,
    server_fns::{ApplyMapping, preview_mapping},
};

mod text {
    pub const TITLE: &str = "Preview";
    pub const LEAD: &str = "Nothing has been changed yet. This is what would change now.";
    pub const BACK: &str = "Integrations";
    pub const DENIED: &str = "Mappings to roles below one's own are made by administrators, all others by owners.";
    pub const REFUSED: &str = "This cannot be done";
    pub const CHANGES: &str = "What changes";
    pub const UNCHANGED: &str = "notice nothing";
    pub const WITHOUT_ACCESS: &str = "have no access at the moment";
    pub const NOBODY: &str = "Nobody gains or loses anything at this moment.";
    pub const WAITS: &str = "There is no group of this name yet. The first that is pushed with exactly this name is it, once and for good; nobody gains anything before.";
    pub const NEEDS_OWNER: &str =
        "Since it gives Auditor or Admin, an owner then has to look at what it would change, and confirm, before it gives anything.";
    pub const AGENTS: &str = "Agents";
    pub const AGENT: &str = "Agent";
    pub const GAIN: &str = "Gain it";
    pub const LOSE: &str = "Lose it";
    pub const PEOPLE: &str = "People";
    pub const PERSON: &str = "Person";
    pub const CHANGE: &str = "Before and after";
    pub const PAGES: &str = "Pages of the people";
    pub const ROLE: &str = "Role";
    pub const TEAM: &str = "Team";
    pub const NO_SEAT: &str = "no seat";
    pub const APPLY: &str = "Do exactly this";
    pub const APPLY_TEXT: &str = "If anything of this changes before you press, nothing is done and you see the new preview.";
    pub const CANCEL: &str = "Cancel";
}

/// What the page's address asks about.
#[derive(Clone, PartialEq)]
struct Asked {
    action: MappingAction,
    mapping: Option<MappingId>,
    group: Option<DirectoryGroupId>,
    group_name: Option<String>,
    target: Option<MappingTarget>,
    page: u64,
}

impl Asked {
    fn of(query: &ParamsMap) -> Option<Self> {
        let group = query.get("group").and_then(|id| id.parse().ok());
        Some(Self {
            action: query.get("action")?.parse().ok()?,
            mapping: query.get("mapping").and_then(|id| id.parse().ok()),
            // What was typed counts only where no group was chosen.
            group_name: query.get("group_name").filter(|name| group.is_none() && !name.trim().is_empty()),
            group,
            target: query.get("target").and_then(|target| target.parse().ok()),
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1),
        })
    }

    /// What a form that does it has to say, by name.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("mapping", self.mapping.map(|id| id.to_string())),
            ("group", self.group.map(|id| id.to_string())),
            ("group_name", self.group_name.clone()),
            ("target", self.target.map(|target| target.to_string())),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        [("action", self.action.as_str().to_owned())].into_iter().chain(given).collect()
    }

    /// The same question, about another page of the people.
    fn at_page(&self, org: &OrgSlug, page: u64) -> String {
        let page = page.to_string();
        let fields = self.fields();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).chain([("page", page.as_str())]).collect();
        format!("{}{}", paths::integrations_preview(org), paths::query(&pairs))
    }

    /// The form that asks, filled in as it was.
    fn again(&self, org: &OrgSlug) -> String {
        let fields = self.fields();
        let pairs: Vec<_> = fields
            .iter()
            .filter(|(name, _)| *name != "action" && *name != "mapping")
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        format!("{}{}#{}", paths::integrations(org), paths::query(&pairs), map_form::HEADING)
    }
}

/// `/o/{org}/settings/integrations/preview?action=&mapping=` or `…?action=create&group=&group_name=&target=`
#[component]
pub fn Preview() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(Asked::of));
    let plan = calls::load(
        move || (org.get(), asked.get()),
        |(org, asked)| async move {
            let Asked { action, mapping, group, group_name, target, page } =
                asked.ok_or_else(|| AppError::NotFound("preview".to_owned()))?;
            preview_mapping(OrgOfPage::required(org)?, action, mapping, group, group_name, target, Some(page)).await
        },
    );
    let apply = calls::action::<ApplyMapping>();
    // What was agreed to is not what would happen now: show that.
    Effect::new(move |_| {
        if apply.version().get() > 0 && apply.value().with_untracked(|answer| matches!(answer, Some(Err(AppError::PlanChanged)))) {
            plan.refetch();
        }
    });
    view! {
        <FormError error=calls::failure(apply) fields=&["password"] />
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || plan.get().map(|plan| match (plan, org.get(), asked.get()) {
                (Ok(plan), Some(org), Some(asked)) => view! { <Plan plan org asked apply /> }.into_any(),
                (Err(AppError::Denied), ..) => view! { <Problem error=AppError::Denied denied=text::DENIED /> }.into_any(),
                // What was asked for cannot be done: there is a sentence that says why, and a way back to ask for something else.
                (Err(error @ (AppError::Invalid(_) | AppError::Conflict(_))), Some(org), Some(asked)) => view! { <Refused error org asked /> }.into_any(),
                (Err(error), ..) => view! { <Problem error /> }.into_any(),
                (Ok(_), ..) => ().into_any(),
            })}
        </Transition>
    }
}

/// Why there is nothing to look at.
#[component]
fn Refused(error: AppError, org: OrgSlug, asked: Asked) -> impl IntoView {
    view! {
        <Title text=text::REFUSED />
        <div class="max-w-[56ch]" data-testid="refused">
            <h1 class="text-xl font-semibold tracking-tight text-balance">{text::REFUSED}</h1>
            <p class="mt-1 text-ink-2 text-pretty">{error.to_string()}</p>
            <div class="mt-6"><a class="btn" href=asked.again(&org)>"Back to " {text::BACK}</a></div>
        </div>
    }
}

#[component]
fn Plan(plan: MappingPlan, org: OrgSlug, asked: Asked, apply: ServerAction<ApplyMapping>) -> impl IntoView {
    let action = plan.action;
    let title = title(action, &plan.group_name, &plan.gives);
    let begins = matches!(action, MappingAction::Create | MappingAction::Resume | MappingAction::Confirm);
    let (gain, lose) = if begins {
        (format!("gain {}", plan.gives), "lose an agent".to_owned())
    } else {
        ("gain an agent".to_owned(), format!("lose {}", plan.gives))
    };
    let waits = action == MappingAction::Create && plan.group.is_none();
    let agents = plan.agents.clone();
    let (people, page, page_size, total) = (plan.people.clone(), plan.page, plan.page_size, plan.total);
    let to = {
        let (org, asked) = (org.clone(), asked.clone());
        move |page| asked.at_page(&org, page)
    };
    let (org_of_people, shown) = (org.clone(), people.len());
    view! {
        <Title text=title.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=paths::integrations(&org)>{text::BACK}</a></p>
            <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">{title}</h1>
            <p class="mt-1 max-w-[72ch] text-ink-2 text-pretty">{text::LEAD}</p>
        </header>
        <section class="card" aria-labelledby="changes-title" data-testid="plan">
            <div class="head"><h2 id="changes-title">{text::CHANGES}</h2></div>
            <div>
                {(!waits).then(|| view! {
                    <dl class="figures">
                        <Figure count=plan.gain label=gain mark="good" testid="gain" />
                        <Figure count=plan.lose label=lose mark="bad" testid="lose" />
                        <Figure count=plan.unchanged label=text::UNCHANGED.to_owned() mark="" testid="unchanged" />
                        <Figure count=plan.without_access label=text::WITHOUT_ACCESS.to_owned() mark="" testid="without-access" />
                    </dl>
                })}
                {waits.then(|| view! {
                    <div class="grid max-w-[80ch] gap-2 px-4 py-4 text-pretty md:px-6">
                        <p>{text::WAITS}</p>
                        {plan.needs_owner.then(|| view! { <p>{text::NEEDS_OWNER}</p> })}
                    </div>
                })}
                {(!waits && total == 0).then(|| view! { <p class="border-t border-line px-4 py-3 text-ink-2 md:px-6">{text::NOBODY}</p> })}
            </div>
        </section>
        {(!agents.is_empty()).then(|| view! { <Agents agents /> })}
        {(total > 0).then(|| view! {
            <section class="card mt-4" aria-labelledby="people-title">
                <div class="head"><h2 id="people-title">{text::PEOPLE}</h2></div>
                <div>
                    <table class="rows top stack">
                        <thead>
                            <tr>
                                <th scope="col">{text::PERSON}</th>
                                <th scope="col">{text::CHANGE}</th>
                            </tr>
                        </thead>
                        <tbody>{people.into_iter().map(|change| view! { <Changed change org=org_of_people.clone() /> }).collect_view()}</tbody>
                    </table>
                    <Pager label=text::PAGES page page_size shown total to />
                </div>
            </section>
        })}
        <ApplyForm hash=plan.hash needs_password=plan.needs_password org asked apply />
    }
}

/// How many, and what of them.
#[component]
fn Figure(count: u64, label: String, mark: &'static str, testid: &'static str) -> impl IntoView {
    let class = if count == 0 { "none" } else { mark };
    view! {
        <div class=class data-testid=testid>
            <dt>{label}</dt>
            <dd>{thousands(count)} <span class="sr-only">{if count == 1 { " person" } else { " people" }}</span></dd>
        </div>
    }
}

#[component]
fn Agents(agents: Vec<(String, u64, u64)>) -> impl IntoView {
    let people = |count: u64| if count == 0 { "–".to_owned() } else { thousands(count) };
    view! {
        <section class="card mt-4" aria-labelledby="agents-title">
            <div class="head">
                <h2 id="agents-title">{text::AGENTS}</h2>
                <p class="sub ml-auto">{counted(agents.len() as u64, "agent", "agents")}</p>
            </div>
            <div>
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">{text::AGENT}</th>
                            <th scope="col" class="end">{text::GAIN}</th>
                            <th scope="col" class="end">{text::LOSE}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {agents.into_iter().map(|(agent, gain, lose)| view! {
                            <tr data-testid="planned-agent">
                                <td class="w-full font-medium wrap-anywhere">{agent}</td>
                                <td class="end whitespace-nowrap">{people(gain)}</td>
                                <td class="end whitespace-nowrap">{people(lose)}</td>
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
        </section>
    }
}

/// What changes for one person.
#[component]
fn Changed(change: PlannedChange, org: OrgSlug) -> impl IntoView {
    let PlannedChange { member, name, email, role, team, agents_gained, agents_lost } = change;
    let seat = |role: Option<TeamRole>| role.map_or_else(|| text::NO_SEAT.to_owned(), |role| role.to_string());
    let role = role.map(|(before, after): (OrgRole, OrgRole)| from_to(text::ROLE, before.to_string(), after.to_string()));
    let team = team.map(|(before, after)| from_to(text::TEAM, seat(before), seat(after)));
    let agents = [("+", "gains ", agents_gained), ("−", "loses ", agents_lost)].into_iter().flat_map(|(sign, word, agents)| {
        agents.into_iter().map(move |agent| {
            let class = if sign == "+" { "badge good" } else { "badge bad" };
            view! { <li class="min-w-0"><span class=format!("{class} max-w-full")><span aria-hidden="true">{sign}</span><span class="sr-only">{word}</span><span class="truncate">{agent}</span></span></li> }
        })
    });
    let agents: Vec<_> = agents.collect();
    view! {
        <tr data-testid="planned-change">
            <td class="md:w-80">
                <p><a class="link font-medium wrap-anywhere" href=paths::person(&org, member)>{name}</a></p>
                {email.map(|email| view! { <p class="text-ink-3 wrap-anywhere">{email}</p> })}
            </td>
            <td>
                {role}{team}
                {(!agents.is_empty()).then(|| view! { <ul class="mt-1 flex flex-wrap gap-1" aria-label=text::AGENTS>{agents}</ul> })}
            </td>
        </tr>
    }
}

/// `Role: Member → Admin`
fn from_to(what: &'static str, before: String, after: String) -> impl IntoView {
    view! {
        <p>
            <span class="mr-1 text-ink-3">{what} " "</span>
            <span class="text-ink-2">{before}</span>
            <span class="text-ink-3"><span aria-hidden="true">" → "</span><span class="sr-only">" becomes "</span></span>
            <span class="font-medium">{after}</span>
        </p>
    }
}

#[component]
fn ApplyForm(hash: String, needs_password: bool, org: OrgSlug, asked: Asked, apply: ServerAction<ApplyMapping>) -> impl IntoView {
    let error = calls::failure(apply);
    let (label, class) = match asked.action {
        MappingAction::Create => ("Map the group", "btn primary tall"),
        MappingAction::Pause => ("Pause the mapping", "btn primary tall"),
        MappingAction::Resume => ("Resume the mapping", "btn primary tall"),
        MappingAction::Confirm => ("Confirm the mapping", "btn primary tall"),
        MappingAction::Delete => ("Delete the mapping", "btn danger tall"),
    };
    let list = paths::integrations(&org);
    view! {
        <section class="card mt-4" aria-labelledby="apply-title">
            <div class="head">
                <div>
                    <h2 id="apply-title">{text::APPLY}</h2>
                    <p class="sub">{text::APPLY_TEXT}</p>
                </div>
            </div>
            <div class="body">
                <ActionForm action=apply attr:class="grid gap-4 max-w-[44ch]" attr:data-testid="apply-form">
                    <input type="hidden" name="org" value=org.to_string() />
                    {asked.fields().into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
                    <input type="hidden" name="plan" value=hash />
                    {needs_password.then(|| view! { <OwnerPassword error /> })}
                    <div class="flex flex-wrap gap-2">
                        <Submit label class testid="apply-mapping" pending=leaving(apply) />
                        <a class="btn tall" href=list>{text::CANCEL}</a>
                    </div>
                </ActionForm>
            </div>
        </section>
    }
}

fn title(action: MappingAction, group: &str, gives: &str) -> String {
    match action {
        MappingAction::Create => format!("Map “{group}” to {gives}"),
        MappingAction::Pause => format!("Pause the mapping of “{group}” to {gives}"),
        MappingAction::Resume => format!("Resume the mapping of “{group}” to {gives}"),
        MappingAction::Confirm => format!("Confirm the mapping of “{group}” to {gives}"),
        MappingAction::Delete => format!("Delete the mapping of “{group}” to {gives}"),
    }
}
