//! The report of a deprovision drill: what was done, and after how many further requests each credential was refused.

use domain::{
    DrillId, OrgSlug, Timestamp,
    drill::{DrillReport, DrillState, DrillStep, DrillTrial},
    view::{DrillPage, DrillRow},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::drills_card::DrillBadge;
use crate::{
    calls,
    components::{Ago, CardSkeleton, EmptyState, OrgOfPage, PageHeader, Problem, counted},
    error::AppError,
    paths, server_fns,
};

mod text {
    pub const BACK: &str = "Security";
    pub const TITLE: &str = "Deprovision drill";
    pub const DENIED: &str =
        "Reports of drills are open to auditors, administrators and owners. Ask an owner for the role if you need them.";
    pub const RUNNING: &str = "The drill is under way. What has been done so far is below. ";
    pub const AGAIN: &str = "Look again";
    pub const INTERRUPTED: &str =
        "Whoever ran this drill went away before its end, so it proves nothing. What it had made was cleared away.";
    pub const FAILED: &str = "The drill failed: do not rely on leavers having no access until this is settled.";
    pub const TRIALS: &str = "After she had left";
    pub const TRIALS_LEAD: &str = "Each credential at each node, tried at once after the identity provider had its answer.";
    pub const CREDENTIAL: &str = "Credential";
    pub const NODE: &str = "Node";
    pub const OUTCOME: &str = "What came of it";
    pub const AFTER: &str = "Answered within";
    pub const NOT_TRIED: &str = "Nothing was tried";
    pub const NOT_TRIED_TEXT: &str = "The drill did not come that far.";
    pub const STEPS: &str = "Step by step";
    pub const AT: &str = "At";
    pub const STEP: &str = "Step";
    pub const TOOK: &str = "Took";
    pub const NO_STEPS: &str = "Nothing was done";
    pub const NO_STEPS_TEXT: &str = "The drill wrote nothing down.";
    pub const OK: &str = "ok: ";
    pub const WRONG: &str = "wrong: ";
}

/// `/o/{org}/settings/security/drills/{drill}`
#[component]
pub fn Drill() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("drill").and_then(|id| id.parse::<DrillId>().ok()));
    let drill = calls::load(
        move || (org.get(), id.get()),
        |(org, id)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("drill".to_owned()))?;
            server_fns::drill(OrgOfPage::required(org)?, id).await
        },
    );
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead="" /> <CardSkeleton /> }>
            {move || drill.get().map(|page| match (page, org.get()) {
                (Ok(page), Some(org)) => view! { <Shown page org /> }.into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Shown(page: DrillPage, org: OrgSlug) -> impl IntoView {
    let DrillPage { now, drill, report } = page;
    let DrillRow { id, number, state, started_at, started_by, finished_at } = drill;
    let title = format!("Drill {number}");
    let took = finished_at.map(|finished| span(finished.as_micros().saturating_sub(started_at.as_micros()).unsigned_abs()));
    let verdict = match state {
        DrillState::Passed => passed(&report).into_any(),
        DrillState::Failed => failed(&report).into_any(),
        DrillState::Interrupted => view! { <p class="note warn mb-4">{text::INTERRUPTED}</p> }.into_any(),
        DrillState::Running => view! {
            <p class="note info mb-4">{text::RUNNING} <a class="link" href=paths::drill(&org, id) rel="external">{text::AGAIN}</a></p>
        }
        .into_any(),
    };
    let DrillReport { steps, trials, .. } = report;
    view! {
        <Title text=title.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=paths::security(&org)>{text::BACK}</a></p>
            <div class="flex flex-wrap items-center gap-3">
                <h1 class="text-xl font-semibold tracking-tight">{title}</h1>
                <DrillBadge state />
            </div>
            <p class="mt-1 text-ink-2">
                <Ago at=started_at now /> " (" {started_at.second()} "), run by " <span class="wrap-anywhere">{started_by}</span>
                {took.map(|took| format!(", took {took}"))}
            </p>
        </header>
        {verdict}
        <section class="card" aria-labelledby="trials-title">
            <div class="head">
                <div class="min-w-0"><h2 id="trials-title">{text::TRIALS}</h2><p class="sub">{text::TRIALS_LEAD}</p></div>
            </div>
            <div>
                {if trials.is_empty() {
                    view! { <EmptyState title=text::NOT_TRIED text=text::NOT_TRIED_TEXT /> }.into_any()
                } else {
                    view! { <Trials trials /> }.into_any()
                }}
            </div>
        </section>
        <section class="card mt-4" aria-labelledby="steps-title">
            <div class="head"><h2 id="steps-title">{text::STEPS}</h2></div>
            <div>
                {if steps.is_empty() {
                    view! { <EmptyState title=text::NO_STEPS text=text::NO_STEPS_TEXT /> }.into_any()
                } else {
                    view! { <Steps steps began=started_at /> }.into_any()
                }}
            </div>
        </section>
    }
}

fn passed(report: &DrillReport) -> impl IntoView + use<> {
    let (trials, nodes) = (report.trials.len(), report.nodes.len());
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (trials, nodes) = (counted(count(trials), "trial", "trials"), counted(count(nodes), "node", "nodes"));
    view! {
        <p class="note good mb-4" data-testid="drill-verdict">
            <b class="font-semibold">"Everything was refused by the very next request: "</b> {trials} " at " {nodes} ", each refused after 0 further requests."
        </p>
    }
}

fn failed(report: &DrillReport) -> impl IntoView + use<> {
    view! {
        <div class="note bad mb-4" role="alert" data-testid="drill-verdict">
            <p class="font-semibold">{text::FAILED}</p>
            <ul class="mt-1 list-disc pl-5">
                {report.problems().into_iter().map(|problem| view! { <li class="wrap-anywhere">{problem}</li> }).collect_view()}
            </ul>
        </div>
    }
}

#[component]
fn Trials(trials: Vec<DrillTrial>) -> impl IntoView {
    let row = |trial: DrillTrial| {
        let (passed, words) = (trial.passed(), trial.in_words());
        let class = if passed { "badge dot good" } else { "badge dot bad" };
        view! {
            <tr data-testid="drill-trial" data-passed=passed.to_string()>
                <td>
                    <p class="font-medium">{trial.credential}</p>
                    // Where there is no room for its column.
                    <p class="font-mono text-xs leading-5 text-ink-3 wrap-anywhere md:hidden">{trial.node.clone()}</p>
                </td>
                <td class="opt font-mono text-xs leading-5 text-ink-2 wrap-anywhere">{trial.node}</td>
                <td><span class=class>{words}</span> <p class="mt-0.5 text-xs text-ink-3">{trial.answered}</p></td>
                <td class="opt end whitespace-nowrap text-ink-2">{span(trial.after_micros)}</td>
            </tr>
        }
    };
    view! {
        <table class="rows top stack">
            <thead>
                <tr>
                    <th scope="col">{text::CREDENTIAL}</th>
                    <th scope="col" class="opt">{text::NODE}</th>
                    <th scope="col">{text::OUTCOME}</th>
                    <th scope="col" class="opt end">{text::AFTER}</th>
                </tr>
            </thead>
            <tbody>{trials.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn Steps(steps: Vec<DrillStep>, began: Timestamp) -> impl IntoView {
    let row = move |step: DrillStep| {
        let DrillStep { title, at, took_micros, asked, answered, ok } = step;
        let (mark, class) = if ok { (text::OK, "text-ink-2") } else { (text::WRONG, "font-medium text-bad") };
        view! {
            <tr data-testid="drill-step" data-ok=ok.to_string()>
                <td class="whitespace-nowrap text-ink-3 max-md:pb-0.5 max-md:text-xs">
                    <time datetime=at.to_rfc3339() title=at.second()>"+" {span(at.as_micros().saturating_sub(began.as_micros()).unsigned_abs())}</time>
                </td>
                <td class="md:w-full">
                    <p class="font-medium wrap-anywhere">{title}</p>
                    <p class="text-xs text-ink-3 wrap-anywhere">{asked}</p>
                    <p class=format!("{class} wrap-anywhere")><span class="sr-only">{mark}</span>{answered}</p>
                </td>
                <td class="opt end whitespace-nowrap text-ink-2">{span(took_micros)}</td>
            </tr>
        }
    };
    view! {
        <table class="rows top stack">
            <thead>
                <tr>
                    <th scope="col">{text::AT}</th>
                    <th scope="col">{text::STEP}</th>
                    <th scope="col" class="opt end">{text::TOOK}</th>
                </tr>
            </thead>
            <tbody>{steps.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

/// A span of time, for people: `0.4 ms`, `12 ms`, `1.4 s`.
fn span(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_as_exact_as_they_need_to_be() {
        for (micros, text) in [(0, "0.0 ms"), (950, "0.9 ms"), (12_345, "12 ms"), (999_999, "999 ms"), (1_450_000, "1.4 s")] {
            assert_eq!(span(micros), text);
        }
    }
}
