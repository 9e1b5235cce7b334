//! What a request does before it is answered: its statements, the passwords that it hashes, the warnings that it logs. What is done
//! afterwards, by others, is not in it.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{
    Dispatch, Event, Level, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The texts of the statements, in their order.
    pub statements: Vec<String>,
    /// How many passwords were hashed.
    pub passwords: usize,
    /// What was warned of.
    pub warnings: Vec<String>,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut recorded = self.0.lock().unwrap();
        match event.metadata().target() {
            "rollcall::sql" => recorded.statements.push(text.0),
            "rollcall::passwords" => recorded.passwords += 1,
            _ if *event.metadata().level() == Level::WARN => recorded.warnings.push(text.0),
            _ => {}
        }
    }
}

/// The first field of an event: its message, or the statement.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push_str(value);
    }

    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{value:?}"));
    }
}

/// While there is one subscriber only, `tracing` asks the thread that comes first to an event whether anybody listens, and remembers what
/// it says: that of another test, perhaps, where nobody does. With two it asks all.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Do it, and say what was done on the way.
pub async fn recorded<T>(work: impl Future<Output = T>) -> (T, Recorded) {
    LazyLock::force(&ANOTHER);
    let recorder = Recorder::default();
    let done = work.with_subscriber(tracing_subscriber::registry().with(recorder.clone())).await;
    let recorded = recorder.0.lock().unwrap().clone();
    (done, recorded)
}
