//! The inference thread runs the model, so that the async executor never waits for it. (Long texts use a second
//! thread.)
//!
//! Jobs run one after another on one operating-system thread. A job works on its document's session, which holds the
//! model's state for the text read so far. While no job is queued, the thread reads ahead, taking the documents in
//! turn. For answers that need no network pass, a caller may use an idle session [on its own
//! thread](Inference::try_run_now), since waking the inference thread would take longer. This module knows neither the
//! protocol nor what a job does.
//!
//! A caller cancels a job by dropping its receiver: a queued job is then skipped, and a running one stops when it
//! polls. A job that panics loses its session, whose state may be inconsistent. Its caller sees the sender dropped, and
//! the document's next job gets a new session. When all sessions together exceed the memory budget, the least recently
//! used ones are evicted.

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

/// The state that a document's jobs share.
pub trait Session: Default + Send + 'static {
    /// Memory, in bytes.
    fn bytes(&self) -> usize;
}

/// A handle to the thread. The thread ends when the handle is dropped and all jobs are done.
pub struct Inference<K, S> {
    messages: Sender<Message<K, S>>,
    /// Number of messages sent but not yet received. Reading ahead stops while there are any.
    waiting: Arc<AtomicUsize>,
    /// Number of documents that have more to read ahead.
    behind: Arc<AtomicUsize>,
    /// Memory budget of all sessions together, in bytes.
    budget: Arc<AtomicUsize>,
    sessions: Sessions<K, S>,
}

/// The state of a session after a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The session is valid.
    Done,
    /// The session is valid, but there is more to read ahead.
    Stopped,
    /// The session is unusable: the next job gets a new one.
    Failed,
}

/// A job on a session.
type Job<S> = Box<dyn FnOnce(&mut S) -> Outcome + Send>;
/// A job that reads ahead. It polls the function, which returns whether to stop.
type Reading<S> = Box<dyn FnMut(&mut S, &dyn Fn() -> bool) -> Outcome + Send>;

enum Message<K, S> {
    Run(K, Job<S>),
    ReadAhead(K, Reading<S>),
    Forget(K),
}

impl<K: Eq + Hash + Clone + Send + 'static, S: Session> Inference<K, S> {
    /// Starts the thread. Sessions take at most `budget` bytes, unless a single session is larger.
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

    /// Changes the memory budget of the sessions, from the next job on.
    pub fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// Whether no document has more to read ahead.
    pub fn has_read_all(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && self.behind.load(Ordering::Relaxed) == 0
    }

    /// Runs a short job on the caller's thread. Returns `None` if the document has no session or the inference thread
    /// is using it.
    pub fn try_run_now<T>(&self, document: &K, job: impl FnOnce(&mut S) -> Option<T>) -> Option<T> {
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

    /// Queues a job on a document's session. The job's second argument returns whether the caller has cancelled. The
    /// receiver fails if the job panics.
    pub fn submit<T: Send + 'static>(
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
            // The caller may have cancelled by now, which is not an error.
            let _ = sender.send(answer);
            outcome
        });
        self.send(Message::Run(document, job));
        answer
    }

    /// Lets a document's session read ahead while no job is queued. `reading` is called again after each interruption
    /// until it is done. It replaces any earlier reading of the document.
    pub fn read_ahead(
        &self,
        document: K,
        reading: impl FnMut(&mut S, &dyn Fn() -> bool) -> Outcome + Send + 'static,
    ) {
        self.send(Message::ReadAhead(document, Box::new(reading)));
    }

    /// Drops a document's session after the jobs queued so far.
    pub fn forget(&self, document: K) {
        self.send(Message::Forget(document));
    }

    fn send(&self, message: Message<K, S>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // If the thread is gone, the job is dropped here, and its receiver fails.
        let _ = self.messages.send(message);
    }
}

/// All sessions. The map is locked only to find a session; each session has its own lock.
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

/// The state of the inference thread.
struct Thread<K, S> {
    received: Receiver<Message<K, S>>,
    waiting: Arc<AtomicUsize>,
    behind: Arc<AtomicUsize>,
    sessions: Sessions<K, S>,
    budget: Arc<AtomicUsize>,
    /// The documents that have a session, with its size in bytes, least recently used first.
    used: VecDeque<(K, usize)>,
    /// In the order in which they will run.
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
                    Message::Run(document, job) => drop(self.with_session(document, job)),
                    Message::ReadAhead(document, reading) => {
                        self.readings.retain(|(other, _)| *other != document);
                        // The next request is most probably for the document that has just changed.
                        self.readings.push_front((document, reading));
                    }
                    Message::Forget(document) => {
                        self.sessions.remove(&document);
                        self.used.retain(|(other, _)| *other != document);
                        self.readings.retain(|(other, _)| *other != document);
                    }
                }
            } else {
                self.continue_reading();
            }
        }
    }

    /// Continues the first reading until it is done or a message arrives.
    fn continue_reading(&mut self) {
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
        // Unwind safety: a panic can leave only the session inconsistent, and that is discarded.
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

    /// Drops the least recently used sessions while all together exceed the budget.
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

    /// Increments the session and returns its new value.
    fn count(session: &mut u32, _: Stop<'_>) -> (u32, Outcome) {
        *session += 1;
        (*session, Outcome::Done)
    }

    #[test]
    fn each_document_keeps_its_session() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let answers = ["a", "a", "b", "a"].map(|document| inference.submit(document, count));
        assert_eq!(
            answers.map(|answer| answer.blocking_recv().unwrap()),
            [1, 2, 1, 3]
        );
        inference.forget("a");
        assert_eq!(inference.submit("a", count).blocking_recv(), Ok(1));
        assert_eq!(inference.submit("b", count).blocking_recv(), Ok(2));
    }

    #[test]
    fn abandoned_jobs_are_skipped_or_stopped() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        let (started, running) = channel();
        let first = inference.submit("a", move |session, stop: Stop<'_>| {
            started.send(()).unwrap();
            while !stop() {
                thread::yield_now();
            }
            count(session, stop)
        });
        let skipped = inference.submit("a", count);
        let last = inference.submit("a", count);
        running.recv().unwrap();
        drop(skipped);
        drop(first);
        assert_eq!(last.blocking_recv(), Ok(2));
    }

    #[test]
    fn a_panic_and_a_failure_lose_the_session_and_nothing_else() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        assert_eq!(inference.submit("a", count).blocking_recv(), Ok(1));
        assert_eq!(inference.submit("b", count).blocking_recv(), Ok(1));
        let lost = inference.submit("a", |_, _: Stop<'_>| -> ((), Outcome) {
            panic!("on purpose")
        });
        assert!(lost.blocking_recv().is_err());
        assert_eq!(inference.submit("a", count).blocking_recv(), Ok(1));
        let failed = inference.submit("b", |_, _: Stop<'_>| ("failed", Outcome::Failed));
        assert_eq!(failed.blocking_recv(), Ok("failed"));
        assert_eq!(inference.submit("b", count).blocking_recv(), Ok(1));
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
        assert_eq!(inference.submit("a", count).blocking_recv(), Ok(1));
        done.recv().unwrap();
    }

    #[test]
    fn cached_answers_are_immediate_unless_the_session_is_in_use() {
        let inference = Inference::<&str, u32>::start(100).unwrap();
        assert_eq!(inference.try_run_now(&"a", |session| Some(*session)), None);
        assert_eq!(inference.submit("a", count).blocking_recv(), Ok(1));
        // The answer arrives before the thread has unlocked the session.
        let found =
            std::iter::repeat_with(|| inference.try_run_now(&"a", |session| Some(*session)));
        assert_eq!(found.flatten().next(), Some(1));
        let (started, running) = channel();
        let (finish, finished) = channel::<()>();
        let busy = inference.submit("a", move |session, stop: Stop<'_>| {
            started.send(()).unwrap();
            finished.recv().unwrap();
            count(session, stop)
        });
        running.recv().unwrap();
        assert_eq!(inference.try_run_now(&"a", |session| Some(*session)), None);
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
            inference.submit(document, job).blocking_recv().unwrap()
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
