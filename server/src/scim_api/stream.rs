//! Groups that are too large to be answered in one piece.

use std::time::Duration;

use axum::body::{Body, Bytes};
use directory::{Error, provisioning::groups::MemberReader};
use domain::DirectoryGroupId;
use futures_util::stream;
use scim::{Kind, Projection};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::{caller::Caller, represent::member};

/// How long a client may not read before the answer is cut off: it holds a connection to the database all the while.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take in all.
const LIMIT: Duration = Duration::from_secs(120);
/// Pieces that may wait to be read.
const AHEAD: usize = 2;

/// A resource without its members, and which group's they are to be.
pub(super) struct Item {
    pub(super) resource: Value,
    pub(super) members_of: Option<DirectoryGroupId>,
}

/// One resource.
pub(super) fn resource(caller: Caller, reader: MemberReader, projection: Projection, item: Item) -> Result<Body, scim::Error> {
    body(Writer::new(caller, reader, projection), String::new(), vec![item], "")
}

/// A list message, whose `Resources` are empty so far, with these resources.
pub(super) fn list(
    caller: Caller,
    reader: MemberReader,
    projection: Projection,
    message: &Value,
    items: Vec<Item>,
) -> Result<Body, scim::Error> {
    // Resources come last, whatever order the rest is in.
    let mut message = message.clone();
    if let Some(message) = message.as_object_mut() {
        message.remove("Resources");
    }
    let message = message.to_string();
    let before = format!("{},\"Resources\":[", message.strip_suffix('}').unwrap_or_default());
    body(Writer::new(caller, reader, projection), before, items, "]}")
}

/// An error on the way cuts the answer off, and the client sees that it is not whole.
///
/// 503 when so many such answers are under way that others would wait for the database.
fn body(mut writer: Writer, before: String, items: Vec<Item>, after: &'static str) -> Result<Body, scim::Error> {
    let leave = writer.caller.state.large_answers.clone().try_acquire_owned().map_err(|_| scim::Error::unavailable())?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    writer.text = before;
    tokio::spawn(async move {
        let written = timeout(LIMIT, writer.write(items, after, &sender)).await;
        let written = written.unwrap_or_else(|_| Err(Error::Unavailable("the client reads too slowly".to_owned())));
        drop(leave);
        if let Err(error) = written {
            tracing::warn!(%error, "an answer with many members was cut off");
            let _ = timeout(PATIENCE, sender.send(Err(error))).await;
        }
    });
    Ok(Body::from_stream(stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) })))
}

type Sender = mpsc::Sender<Result<Bytes, Error>>;

struct Writer {
    caller: Caller,
    reader: MemberReader,
    projection: Projection,
    text: String,
}

impl Writer {
    fn new(caller: Caller, reader: MemberReader, projection: Projection) -> Self {
        Self { caller, reader, projection, text: String::new() }
    }

    async fn write(mut self, items: Vec<Item>, after: &str, sender: &Sender) -> Result<(), Error> {
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                self.text.push(',');
            }
            let resource = item.resource.to_string();
            match item.members_of {
                None => self.text.push_str(&resource),
                Some(group) => {
                    self.text.push_str(resource.strip_suffix('}').unwrap_or_default());
                    self.members(group, sender).await?;
                    self.text.push('}');
                }
            }
        }
        self.text.push_str(after);
        self.flush(sender).await
    }

    async fn members(&mut self, group: DirectoryGroupId, sender: &Sender) -> Result<(), Error> {
        let (mut last, mut first) = (None, true);
        loop {
            let members = self.reader.next(group, last).await?;
            let Some(newest) = members.last() else { break };
            last = Some(newest.user);
            let wanted: Vec<_> = members.iter().filter_map(|read| self.projected(member(&self.caller, read))).collect();
            for member in wanted {
                self.text.push_str(if first { ",\"members\":[" } else { "," });
                self.text.push_str(&member.to_string());
                first = false;
            }
            self.flush(sender).await?;
        }
        if !first {
            self.text.push(']');
        } else if self.projection.apply(Kind::Group, json!({ "members": [] })).get("members").is_some() {
            // Nobody is in it: as in an answer of one piece.
            self.text.push_str(",\"members\":[]");
        }
        Ok(())
    }

    /// The attributes of a member that the client wants.
    fn projected(&self, member: Value) -> Option<Value> {
        let mut group = self.projection.apply(Kind::Group, json!({ "members": [member] }));
        group.get_mut("members").and_then(|members| members.get_mut(0)).map(Value::take)
    }

    async fn flush(&mut self, sender: &Sender) -> Result<(), Error> {
        let text = std::mem::take(&mut self.text);
        match timeout(PATIENCE, sender.send(Ok(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Error::Unavailable("the client stopped reading".to_owned())),
        }
    }
}
