//! The inference thread, which runs the model so that the async executor never waits for arithmetic. (A long text is read on
//! a second thread beside it.)
//!
//! One operating-system thread runs one job after another. A job works on its document's session, which holds the model's
//! state after the text read so far. When no job waits, the thread reads ahead, the documents in turn. A caller may use an
//! idle session [at once](Inference::at_once) for what needs no arithmetic, since waking the thread takes longer than that.
//! This module knows neither the protocol nor what a job does.
//!
//! A caller cancels a job by dropping its receiver: a waiting job is then skipped, and a running one stops when it polls. A job
//! that panics loses its session, whose state may be half-written; its caller sees the sender dropped, and the document's next
//! job starts with a new session. When all sessions together exceed the memory budget, the least recently used are evicted.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

/// What a document's jobs keep between them.
pub trait Session: Default + Send + 'static {
    /// Memory, in bytes.
    fn bytes(&self) -> usize;
}

/// A handle to the thread, which ends when the handle is dropped and all is done.
pub struct Inference<K, S> {
    messages: Sender<Message<K, S>>,
    /// Messages sent and not yet taken. Reading ahead stops while there are any.
    waiting: Arc<AtomicUsize>,
    /// The number of documents that have more to read ahead.
    behind: Arc<AtomicUsize>,
    /// Bytes that all sessions may take together.
    budget: Arc<AtomicUsize>,
    sessions: Sessions<K, S>,
}

/// How a job leaves its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order.
    Done,
    /// In order, but there is more to read ahead.
    Stopped,
    /// Unusable: the next job gets a new one.
    Failed,
}

/// A job on a session.
type Job<S> = Box<dyn FnOnce(&mut S) -> Outcome + Send>;
/// A job that reads ahead; the function returns whether it should stop.
type Reading<S> = Box<dyn FnMut(&mut S, &dyn Fn() -> bool) -> Outcome + Send>;

enum Message<K, S> {
    Ask(K, Job<S>),
    ReadAhead(K, Reading<S>),
    Forget(K),
}

impl<K: Eq + Hash + Clone + Send + 'static, S: Session> Inference<K, S> {
    /// Starts the thread; sessions take `budget` bytes at most, or one session does.
    pub fn start(budget: usize) -> io::Result<Self> {
        let (messages, received) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let behind = Arc::new(AtomicUsize::new(0));
        let budget = Arc::new(AtomicUsize::new(budget));
        let sessions = Sessions::default();
        let thread = Thread {
            received,
            waiting: Arc::clone(&waiting),
            behind: Arc::clone(&behind),
            sessions: sessions.clone(),
            budget: Arc::clone(&budget),
            used: VecDeque::new(),
            readings: VecDeque::new(),
        };
        thread::Builder::new()
            .name("inference".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self {
            messages,
            waiting,
            behind,
            budget,
            sessions,
        })
    }

    /// Changes how many bytes sessions may take, from the next job on.
    pub fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// Whether no document has more to read ahead.
    pub fn has_read_all(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && self.behind.load(Ordering::Relaxed) == 0
    }

    /// Runs a short job on the caller's thread, if the document has a session and the inference thread is not using it.
    pub fn at_once<T>(&self, document: &K, job: impl FnOnce(&mut S) -> Option<T>) -> Option<T> {
        let session = self.sessions.get(document)?;
        let mut session = match session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => return None,
        };
        // Unwind safety: as in `Thread::with_session`.
        catch_unwind(AssertUnwindSafe(|| job(&mut session))).unwrap_or_else(|_| {
            error!("a job panicked; its session is discarded");
            *session = S::default();
            None
        })
    }

    /// Queues a job on a document's session. The function that the job is given returns whether the caller has cancelled. The
    /// receiver fails if the job panics.
    pub fn ask<T: Send + 'static>(
        &self,
        document: K,
        job: impl FnOnce(&mut S, &dyn Fn() -> bool) -> (T, Outcome) + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (sender, answer) = oneshot::channel();
        let job: Job<S> = Box::new(move |session| {
            if sender.is_closed() {
                return Outcome::Done;
            }
            let (answer, outcome) = job(session, &|| sender.is_closed());
            // The caller may have cancelled by now, which is no failure.
            let _ = sender.send(answer);
            outcome
        });
        self.send(Message::Ask(document, job));
        answer
    }

    /// Lets a document's session read ahead whenever no job waits, until `reading` is done. It is called again after
    /// each interruption, and replaces what the document was reading before.
    pub fn read_ahead(
        &self,
        document: K,
        reading: impl FnMut(&mut S, &dyn Fn() -> bool) -> Outcome + Send + 'static,
    ) {
        self.send(Message::ReadAhead(document, Box::new(reading)));
    }

    /// Drops a document's session once the jobs queued so far are done.
    pub fn forget(&self, document: K) {
        self.send(Message::Forget(document));
    }

    fn send(&self, message: Message<K, S>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // Should the thread be gone, the job is dropped here, and its receiver fails.
        let _ = self.messages.send(message);
    }
}

/// All sessions. Locked only to find one; each has a lock of its own.
struct Sessions<K, S>(Arc<Mutex<HashMap<K, Arc<Mutex<S>>>>>);

impl<K: Eq + Hash, S: Default> Sessions<K, S> {
    fn get(&self, document: &K) -> Option<Arc<Mutex<S>>> {
        self.all().get(document).cloned()
    }

    fn get_or_new(&self, document: K) -> Arc<Mutex<S>> {
        Arc::clone(self.all().entry(document).or_default())
    }

    fn remove(&self, document: &K) {
        self.all().remove(document);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<K, Arc<Mutex<S>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, S> Clone for Sessions<K, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, S> Default for Sessions<K, S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// What the thread owns.
struct Thread<K, S> {
    received: Receiver<Message<K, S>>,
    waiting: Arc<AtomicUsize>,
    behind: Arc<AtomicUsize>,
    sessions: Sessions<K, S>,
    budget: Arc<AtomicUsize>,
    /// The documents that have a session and its size, the one whose last job is longest ago first.
    used: VecDeque<(K, usize)>,
    /// Next first.
    readings: VecDeque<(K, Reading<S>)>,
}

impl<K: Eq + Hash + Clone, S: Session> Thread<K, S> {
    fn run(mut self) {
        loop {
            self.behind.store(self.readings.len(), Ordering::Relaxed);
            if self.readings.is_empty() || self.waiting.load(Ordering::Relaxed) > 0 {
                let Ok(message) = self.received.recv() else {
                    return;
                };
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                match message {
                    Message::Ask(document, job) => drop(self.with_session(document, job)),
                    Message::ReadAhead(document, reading) => {
                        self.readings.retain(|(other, _)| *other != document);
                        // The next request most likely concerns the document that has just changed.
                        self.readings.push_front((document, reading));
                    }
                    Message::Forget(document) => {
                        self.sessions.remove(&document);
                        self.used.retain(|(other, _)| *other != document);
                        self.readings.retain(|(other, _)| *other != document);
                    }
                }
            } else {
                self.read_on();
            }
        }
    }

    /// Continues one of the readings, until it is done or a message waits.
    fn read_on(&mut self) {
        let Some((document, mut reading)) = self.readings.pop_front() else {
            return;
        };
        let waiting = Arc::clone(&self.waiting);
        let stop = move || waiting.load(Ordering::Relaxed) > 0;
        let outcome = self.with_session(document.clone(), |session| reading(session, &stop));
        if outcome == Outcome::Stopped {
            self.readings.push_back((document, reading));
        }
    }

    fn with_session(&mut self, document: K, job: impl FnOnce(&mut S) -> Outcome) -> Outcome {
        let session = self.sessions.get_or_new(document.clone());
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        // Unwind safety: what a job can leave broken is the session, and that is thrown away.
        let outcome = catch_unwind(AssertUnwindSafe(|| job(&mut session))).unwrap_or_else(|_| {
            error!("an inference job panicked; its session is discarded");
            Outcome::Failed
        });
        self.used.retain(|(other, _)| *other != document);
        if outcome == Outcome::Failed {
            self.sessions.remove(&document);
        } else {
            self.used.push_back((document, session.bytes()));
            self.evict();
        }
        outcome
    }

    /// Drops the sessions used longest ago while all together are too large.
    fn evict(&mut self) {
        let mut bytes: usize = self.used.iter().map(|(_, bytes)| bytes).sum();
        while bytes > self.budget.load(Ordering::Relaxed) && self.used.len() > 1 {
            let Some((document, size)) = self.used.pop_front() else {
                return;
            };
            self.sessions.remove(&document);
            bytes -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Stop<'a> = &'a dyn Fn() -> bool;

    impl Session for u32 {
        fn bytes(&self) -> usize {
            *self as usize
        }
    }

    /// Adds one to the session and answers what it is then.
    fn count(session: &mut u32, _: Stop<'_>) -> (u32, Outcome) {
        *session += 1;
        (*session, Outcome::Done)
    }

    #[test]
    fn each_document_keeps_its_session() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let answers = ["a", "a", "b", "a"].map(|document| inference.ask(document, count));
        assert_eq!(
            answers.map(|answer| answer.blocking_recv().unwrap()),
            [1, 2, 1, 3]
        );
        inference.forget("a");
        assert_eq!(inference.ask("a", count).blocking_recv(), Ok(1));
        assert_eq!(inference.ask("b", count).blocking_recv(), Ok(2));
    }

    #[test]
    fn abandoned_jobs_are_skipped_or_stopped() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let (started, running) = channel();
        let first = inference.ask("a", move |session, stop: Stop<'_>| {
            started.send(()).unwrap();
            while !stop() {
                thread::yield_now();
            }
            count(session, stop)
        });
        let skipped = inference.ask("a", count);
        let last = inference.ask("a", count);
        running.recv().unwrap();
        drop(skipped);
        drop(first);
        assert_eq!(last.blocking_recv(), Ok(2));
    }

    #[test]
    fn a_panic_and_a_failure_lose_the_session_and_nothing_else() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        assert_eq!(inference.ask("a", count).blocking_recv(), Ok(1));
        assert_eq!(inference.ask("b", count).blocking_recv(), Ok(1));
        let lost = inference.ask("a", |_, _: Stop<'_>| -> ((), Outcome) {
            panic!("on purpose")
        });
        assert!(lost.blocking_recv().is_err());
        assert_eq!(inference.ask("a", count).blocking_recv(), Ok(1));
        let failed = inference.ask("b", |_, _: Stop<'_>| ("failed", Outcome::Failed));
        assert_eq!(failed.blocking_recv(), Ok("failed"));
        assert_eq!(inference.ask("b", count).blocking_recv(), Ok(1));
    }

    #[test]
    fn reading_ahead_gives_way_to_requests_and_continues() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let (started, running) = channel();
        let (finished, done) = channel();
        inference.read_ahead("a", move |session, stop| {
            started.send(()).unwrap();
            if *session > 0 {
                finished.send(()).unwrap();
                return Outcome::Done;
            }
            while !stop() {
                thread::yield_now();
            }
            Outcome::Stopped
        });
        running.recv().unwrap();
        assert_eq!(inference.ask("a", count).blocking_recv(), Ok(1));
        done.recv().unwrap();
    }

    #[test]
    fn cached_answers_are_immediate_unless_the_session_is_in_use() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        assert_eq!(inference.at_once(&"a", |session| Some(*session)), None);
        assert_eq!(inference.ask("a", count).blocking_recv(), Ok(1));
        // The answer comes before the thread has let go of the session.
        let found = std::iter::repeat_with(|| inference.at_once(&"a", |session| Some(*session)));
        assert_eq!(found.flatten().next(), Some(1));
        let (started, running) = channel();
        let (finish, finished) = channel::<()>();
        let busy = inference.ask("a", move |session, stop: Stop<'_>| {
            started.send(()).unwrap();
            finished.recv().unwrap();
            count(session, stop)
        });
        running.recv().unwrap();
        assert_eq!(inference.at_once(&"a", |session| Some(*session)), None);
        finish.send(()).unwrap();
        assert_eq!(busy.blocking_recv(), Ok(2));
    }

    #[test]
    fn the_least_recently_used_session_is_evicted_first() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let add = |document, bytes| {
            let job = move |session: &mut u32, _: Stop<'_>| {
                *session += bytes;
                (*session, Outcome::Done)
            };
            inference.ask(document, job).blocking_recv().unwrap()
        };
        assert_eq!([add("a", 40), add("b", 40), add("a", 1)], [40, 40, 41]);
        assert_eq!(add("c", 40), 40);
        assert_eq!([add("a", 1), add("c", 1)], [42, 41]);
        assert_eq!(add("b", 1), 1, "b is the least recently used");
        assert_eq!(add("d", 300), 300, "a single session may exceed the budget");
        assert_eq!(add("d", 1), 301);
        assert_eq!(add("a", 1), 1);
    }
}
