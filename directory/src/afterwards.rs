//! What is written after the answer was given: notes about failures, whose writing would tell by its time what the
//! answer keeps to itself (is there such an account? such an organisation?), and blocks of networks.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::Error;

type Work = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Something to be written, and what is done where it is not.
struct Item {
    work: Work,
    lost: Box<dyn FnOnce() + Send>,
}

/// Notes that may wait. Further ones are dropped, with a warning in the log: whoever floods us costs neither memory nor
/// the disk.
const NOTES: usize = 1_024;
/// Blocks that may wait, one of each network.
const BLOCKS: usize = 10_000;

/// Queues of what is to be written, and a writer behind each. Cheap to clone; the writers end when the last clone is gone.
#[derive(Clone)]
pub struct Afterwards {
    notes: Line,
    blocks: Line,
}

impl Afterwards {
    /// Start the writers. Call it inside a runtime.
    pub fn start() -> Self {
        Self { notes: Line::start(NOTES, NOTES), blocks: Line::start(BLOCKS, 1) }
    }

    /// Write `note` when its turn comes. It is about `whose`: where more come than can be written, each of these has its share, and
    /// whoever floods one of them drops notes of that one.
    pub fn note(&self, whose: impl Into<Uuid>, note: impl Future<Output = Result<(), Error>> + Send + 'static) {
        self.note_or(whose, note, || ());
    }

    /// The same; where it finds no room, gives way to others or cannot be written, `lost` is called.
    pub fn note_or(
        &self,
        whose: impl Into<Uuid>,
        note: impl Future<Output = Result<(), Error>> + Send + 'static,
        lost: impl FnOnce() + Send + 'static,
    ) {
        if !self.notes.push(whose.into().as_u128(), Item { work: Box::pin(note), lost: Box::new(lost) }) {
            tracing::warn!("failures come faster than they can be noted");
        }
    }

    /// Write that a network is blocked, beside the notes: however many of those wait, it takes effect on all nodes. One that waits
    /// already stands for this one.
    pub fn block(&self, network: IpAddr, block: impl Future<Output = Result<(), Error>> + Send + 'static) {
        if !self.blocks.push(about(network).as_u128(), Item { work: Box::pin(block), lost: Box::new(|| ()) }) {
            tracing::warn!("networks are blocked faster than the other nodes can be told");
        }
    }

    /// Wait until everything noted so far is written.
    pub async fn settle(&self) {
        self.blocks.settle().await;
        self.notes.settle().await;
    }
}

/// Whose a note is that is about nobody but the network that it is from.
pub fn about(network: IpAddr) -> Uuid {
    Uuid::from_u128(match network {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    })
}

/// A queue whose turns go round by whom what waits is about.
#[derive(Clone)]
struct Line {
    waiting: Arc<Mutex<Waiting>>,
    wake: mpsc::Sender<()>,
}

struct Waiting {
    /// How much may wait in all, and about one.
    most: (usize, usize),
    about: BTreeMap<u128, VecDeque<(u64, Item)>>,
    turns: VecDeque<u128>,
    count: usize,
    /// The number of what came last; of what is being written.
    last: u64,
    writing: Option<u64>,
    /// Who waits until everything up to this number is written.
    settling: Vec<(u64, oneshot::Sender<()>)>,
}

impl Line {
    fn start(most: usize, of_one: usize) -> Self {
        let waiting = Waiting {
            most: (most, of_one),
            about: BTreeMap::new(),
            turns: VecDeque::new(),
            count: 0,
            last: 0,
            writing: None,
            settling: vec![],
        };
        let waiting = Arc::new(Mutex::new(waiting));
        let (wake, mut woken) = mpsc::channel(1);
        let line = waiting.clone();
        tokio::spawn(async move {
            while woken.recv().await.is_some() {
                loop {
                    let next = locked(&line).next();
                    let Some(Item { work, lost }) = next else { break };
                    if let Err(error) = work.await {
                        tracing::error!(%error, "what was to be written after an answer could not be");
                        lost();
                    }
                    locked(&line).written();
                }
            }
        });
        Self { waiting, wake }
    }

    /// Whether nothing was dropped.
    fn push(&self, whose: u128, item: Item) -> bool {
        let (kept, lost) = locked(&self.waiting).push(whose, item);
        if let Some(item) = lost {
            (item.lost)();
        }
        // Where it is full, the writer has been woken already.
        let _ = self.wake.try_send(());
        kept
    }

    async fn settle(&self) {
        let settled = {
            let mut waiting = locked(&self.waiting);
            let (done, settled) = oneshot::channel();
            let last = waiting.last;
            waiting.settling.push((last, done));
            waiting.tell();
            settled
        };
        let _ = settled.await;
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Whether nothing was dropped, and what was.
    fn push(&mut self, whose: u128, item: Item) -> (bool, Option<Item>) {
        let (most, of_one) = self.most;
        let own = self.about.get(&whose).map_or(0, VecDeque::len);
        if own >= of_one {
            return (of_one == 1, Some(item));
        }
        let mut dropped = None;
        if self.count >= most {
            // Whoever has the most waiting gives way, if that is more than this one would have.
            let longest = self.about.values_mut().max_by_key(|queue| queue.len()).filter(|queue| queue.len() > own + 1);
            let Some(longest) = longest else { return (false, Some(item)) };
            dropped = longest.pop_back().map(|(_, item)| item);
            self.count -= 1;
        }
        self.last += 1;
        self.count += 1;
        let queue = self.about.entry(whose).or_default();
        if queue.is_empty() {
            self.turns.push_back(whose);
        }
        queue.push_back((self.last, item));
        (dropped.is_none(), dropped)
    }

    fn next(&mut self) -> Option<Item> {
        let whose = self.turns.pop_front()?;
        let queue = self.about.get_mut(&whose)?;
        let (number, item) = queue.pop_front()?;
        if queue.is_empty() {
            self.about.remove(&whose);
        } else {
            self.turns.push_back(whose);
        }
        self.count -= 1;
        self.writing = Some(number);
        Some(item)
    }

    fn written(&mut self) {
        self.writing = None;
        self.tell();
    }

    /// Tell those who wait for what is written by now.
    fn tell(&mut self) {
        if self.settling.is_empty() {
            return;
        }
        let first = self.about.values().filter_map(|queue| queue.front()).map(|(number, _)| *number).chain(self.writing).min();
        for (last, done) in std::mem::take(&mut self.settling) {
            if first.is_some_and(|first| first <= last) {
                self.settling.push((last, done));
            } else {
                let _ = done.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of what waits while the writer is held up, in its order.
    async fn written(line: &Line, push: impl AsyncFnOnce(&dyn Fn(u128, &'static str) -> bool)) -> Vec<&'static str> {
        let done = Arc::new(Mutex::new(vec![]));
        let (go, held) = oneshot::channel::<()>();
        let hold = async move {
            let _ = held.await;
            Ok(())
        };
        line.push(0, Item { work: Box::pin(hold), lost: Box::new(|| ()) });
        tokio::task::yield_now().await;
        push(&|whose, what| {
            let done = done.clone();
            let work = async move {
                done.lock().unwrap().push(what);
                Ok(())
            };
            line.push(whose, Item { work: Box::pin(work), lost: Box::new(|| ()) })
        })
        .await;
        let _ = go.send(());
        line.settle().await;
        std::mem::take(&mut *done.lock().unwrap())
    }

    #[tokio::test]
    async fn a_flood_about_one_drops_nothing_about_another_and_keeps_it_waiting_for_one_turn() {
        let line = Line::start(8, 8);
        let written = written(&line, async |push| {
            let kept: Vec<_> = (0..10).map(|_| push(1, "flood")).collect();
            assert_eq!(kept, [[true; 8].as_slice(), &[false; 2]].concat());
            assert!(!push(2, "a"), "one of the flood was dropped for it");
            assert!(!push(2, "b"));
            assert!(!push(3, "c"));
        });
        assert_eq!(written.await, ["flood", "a", "c", "flood", "b", "flood", "flood", "flood"]);
    }

    #[tokio::test]
    async fn many_that_have_one_each_drop_nobodys() {
        let line = Line::start(4, 4);
        let written = written(&line, async |push| {
            assert!(["a", "b", "c", "d"].into_iter().zip(1..).all(|(what, whose)| push(whose, what)));
            assert!(!push(5, "e"));
        });
        assert_eq!(written.await, ["a", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn one_block_of_a_network_waits_at_a_time() {
        let line = Line::start(3, 1);
        let blocked = written(&line, async |push| {
            assert!(push(1, "a") && push(1, "again") && push(2, "b") && push(3, "c"));
            assert!(!push(4, "d"), "bounded");
        });
        assert_eq!(blocked.await, ["a", "b", "c"]);
        assert_eq!(written(&line, async |push| assert!(push(1, "a"))).await, ["a"], "once it is written there may be another");
    }
}
