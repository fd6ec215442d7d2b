//! The inference thread: the one place where the model runs while the server serves.
//!
//! One operating-system thread owns a session (what the model has read) for each document and does one job after
//! another, so that the async side never waits for arithmetic and sessions need no lock. When no one waits, it reads
//! ahead. It knows neither the protocol nor what a job does.
//!
//! Nobody has to take a job back: the caller who no longer wants the answer drops the receiver, and the job is skipped
//! when its turn comes, or stops if it is running and asks. A job that panics loses its session, whose state may be
//! half-written; its caller sees the sender dropped, and the next job of that document starts from nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::oneshot;
use tracing::error;

/// A handle to the thread, which ends when the handle is dropped.
pub struct Inference<K, S> {
    messages: Sender<Message<K, S>>,
    /// Messages sent and not yet taken: while there are any, nobody reads ahead.
    waiting: Arc<AtomicUsize>,
}

/// How a job leaves its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order.
    Done,
    /// In order, but there is more to read ahead.
    Stopped,
    /// Not to be trusted: the next job gets a new one.
    Failed,
}

/// A job on a session.
type Job<S> = Box<dyn FnOnce(&mut S) -> Outcome + Send>;
/// What reads ahead; the function says whether it should stop.
type Reading<S> = Box<dyn FnMut(&mut S, &dyn Fn() -> bool) -> Outcome + Send>;

enum Message<K, S> {
    Ask(K, Job<S>),
    ReadAhead(K, Reading<S>),
    Forget(K),
}

impl<K: Eq + Hash + Clone + Send + 'static, S: Default + Send + 'static> Inference<K, S> {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let (messages, received) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let thread = Thread {
            received,
            waiting: Arc::clone(&waiting),
            sessions: HashMap::new(),
            readings: HashMap::new(),
        };
        thread::Builder::new()
            .name("inference".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self { messages, waiting })
    }

    /// Queues a job on a document's session; the job may ask whether its answer is still wanted. The receiver fails if
    /// the job panics.
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
            // Nobody may want it any more, which is no failure.
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

/// What the thread owns.
struct Thread<K, S> {
    received: Receiver<Message<K, S>>,
    waiting: Arc<AtomicUsize>,
    sessions: HashMap<K, S>,
    readings: HashMap<K, Reading<S>>,
}

impl<K: Eq + Hash + Clone, S: Default> Thread<K, S> {
    fn run(mut self) {
        loop {
            if self.readings.is_empty() || self.waiting.load(Ordering::Relaxed) > 0 {
                let Ok(message) = self.received.recv() else {
                    return;
                };
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                match message {
                    Message::Ask(document, job) => drop(self.with_session(document, job)),
                    Message::ReadAhead(document, reading) => {
                        drop(self.readings.insert(document, reading));
                    }
                    Message::Forget(document) => {
                        self.sessions.remove(&document);
                        self.readings.remove(&document);
                    }
                }
            } else {
                self.read_on();
            }
        }
    }

    /// Goes on with one of the readings, until it is done or a message waits.
    fn read_on(&mut self) {
        let Some(document) = self.readings.keys().next().cloned() else {
            return;
        };
        let Some(mut reading) = self.readings.remove(&document) else {
            return;
        };
        let waiting = Arc::clone(&self.waiting);
        let stop = move || waiting.load(Ordering::Relaxed) > 0;
        let outcome = self.with_session(document.clone(), |session| reading(session, &stop));
        if outcome == Outcome::Stopped {
            self.readings.insert(document, reading);
        }
    }

    fn with_session(&mut self, document: K, job: impl FnOnce(&mut S) -> Outcome) -> Outcome {
        // Out of the map while it is in use: a panic leaves none behind.
        let mut session = self.sessions.remove(&document).unwrap_or_default();
        // Unwind safety: what a job can leave broken is the session, and that is thrown away.
        let outcome = catch_unwind(AssertUnwindSafe(|| job(&mut session))).unwrap_or_else(|_| {
            error!("an inference job panicked; its session is thrown away");
            Outcome::Failed
        });
        if outcome != Outcome::Failed {
            self.sessions.insert(document, session);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Stop<'a> = &'a dyn Fn() -> bool;

    /// Adds one to the session and answers what it is then.
    fn count(session: &mut u32, _: Stop<'_>) -> (u32, Outcome) {
        *session += 1;
        (*session, Outcome::Done)
    }

    #[test]
    fn each_document_keeps_its_session() {
        let inference = Inference::<&str, u32>::start().unwrap();
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
    fn a_job_nobody_waits_for_is_skipped_or_stops() {
        let inference = Inference::<&str, u32>::start().unwrap();
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
        let inference = Inference::<&str, u32>::start().unwrap();
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
    fn reading_ahead_gives_way_to_questions_and_goes_on() {
        let inference = Inference::<&str, u32>::start().unwrap();
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
}
