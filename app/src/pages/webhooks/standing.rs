//! How an endpoint and its deliveries stand, in words.

use domain::{
    Timestamp,
    view::{AttemptView, DeliveryStatus, DeliveryView, EndpointView},
};
use leptos::prelude::*;

use crate::components::{Ago, counted};

/// The state of an endpoint: a look, and a word.
pub fn state(endpoint: &EndpointView) -> (&'static str, &'static str) {
    let failing = endpoint.last_failed_at.is_some_and(|failed| endpoint.last_delivered_at.is_none_or(|delivered| failed > delivered));
    match endpoint {
        EndpointView { disabled: Some(_), .. } => ("badge dot warn", "Switched off"),
        _ if failing => ("badge dot bad", "Failing"),
        EndpointView { last_delivered_at: Some(_), .. } => ("badge dot good", "Delivering"),
        _ => ("badge dot", "Nothing sent yet"),
    }
}

/// The state of an endpoint, when it last took something and when it last failed, and what is left to do.
#[component]
pub fn Health(
    /// The endpoint.
    endpoint: EndpointView,
    /// When this was read.
    now: Timestamp,
) -> impl IntoView {
    let (class, label) = state(&endpoint);
    let EndpointView { disabled, last_delivered_at, last_failed_at, waiting, dead, .. } = endpoint;
    view! {
        <span class=class data-testid="endpoint-state">{label}</span>
        <div class="mt-1 text-xs text-ink-2">
            {disabled.map(|(at, why)| view! { <p class="wrap-anywhere">{why} ", " <Ago at now /></p> })}
            {last_delivered_at.map(|at| view! { <p>"last delivered " <Ago at now /></p> })}
            {last_failed_at.map(|at| view! { <p>"last failed " <Ago at now /></p> })}
            {(waiting > 0).then(|| view! { <p>{counted(waiting, "waits", "wait")}</p> })}
            {(dead > 0).then(|| view! { <p class="text-bad">{counted(dead, "was given up", "were given up")}</p> })}
        </div>
    }
}

/// The state of a delivery: a look, and a word.
pub fn status(status: DeliveryStatus) -> (&'static str, &'static str) {
    match status {
        DeliveryStatus::Pending => ("badge dot warn", "Waiting"),
        DeliveryStatus::Sending => ("badge dot info", "Sending"),
        DeliveryStatus::Delivered => ("badge dot good", "Delivered"),
        DeliveryStatus::Dead => ("badge dot bad", "Given up"),
    }
}

/// What came of an attempt: the answer's status or why there was none, and how long it took.
pub fn came_of(attempt: &AttemptView) -> String {
    let took = took(attempt.duration_ms);
    match (attempt.status_code, &attempt.error) {
        (Some(code), _) => format!("{code} after {took}"),
        (None, Some(error)) => format!("{error}, after {took}"),
        (None, None) => format!("taken after {took}"),
    }
}

/// `120 ms`, `15.0 s`.
pub fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        _ => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
    }
}

/// How often a delivery was tried and when it is tried next; nothing where that goes without saying.
pub fn tries(delivery: &DeliveryView, off: bool, now: Timestamp) -> String {
    let mut said = vec![];
    match delivery.attempts {
        0 => {}
        1 if delivery.status == DeliveryStatus::Delivered => {}
        many => said.push(counted(many, "attempt", "attempts")),
    }
    if let (DeliveryStatus::Pending, Some(due)) = (delivery.status, delivery.due_at) {
        let soon = due.as_micros() - now.as_micros() < 45_000_000;
        said.push(match (off, delivery.attempts) {
            (true, _) => "waits until the endpoint is switched on".to_owned(),
            (false, 0) => "on its way".to_owned(),
            (false, _) if soon => "next try in a moment".to_owned(),
            (false, _) => format!("next try {}", due.relative_to(now)),
        });
    }
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::event::EventType;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000)
    }

    fn delivery(status: DeliveryStatus, attempts: u64, due_in: u64) -> DeliveryView {
        let id = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
        DeliveryView {
            id: id.parse().unwrap(),
            event: id.parse().unwrap(),
            message_id: "evt_1".to_owned(),
            event_type: EventType::MemberLeft,
            happened_at: now(),
            subject: "Mira".to_owned(),
            status,
            attempts,
            due_at: Some(now() + Duration::from_secs(due_in)),
            last: None,
        }
    }

    #[test]
    fn a_delivery_says_when_it_is_tried_next() {
        use DeliveryStatus::{Dead, Delivered, Pending};
        for (delivery, off, says) in [
            (delivery(Pending, 0, 0), false, "on its way"),
            (delivery(Pending, 1, 5), false, "1 attempt, next try in a moment"),
            (delivery(Pending, 3, 240), false, "3 attempts, next try in 4 min"),
            (delivery(Pending, 3, 240), true, "3 attempts, waits until the endpoint is switched on"),
            (delivery(Dead, 12, 0), false, "12 attempts"),
            (delivery(Delivered, 1, 0), false, ""),
            (delivery(Delivered, 2, 0), false, "2 attempts"),
        ] {
            assert_eq!(tries(&delivery, off, now()), says);
        }
    }

    #[test]
    fn an_attempt_says_what_came_of_it() {
        let attempt = |status_code, duration_ms, error: Option<&str>| AttemptView {
            attempt: 1,
            at: now(),
            status_code,
            duration_ms,
            error: error.map(str::to_owned),
            answer: None,
        };
        assert_eq!(came_of(&attempt(Some(500), 120, Some("it answered 500"))), "500 after 120 ms");
        assert_eq!(
            came_of(&attempt(None, 15_040, Some("there was no answer within 15 s"))),
            "there was no answer within 15 s, after 15.0 s"
        );
    }
}
