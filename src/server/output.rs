//! The messages waiting to be written to the client, and the thread that writes them.
//!
//! Sending never blocks, so a slow client does not keep the server from reading its edits. A client that reads nothing
//! cannot make the queue grow either: the thread that reads requests waits in [`OutputQueue::wait_for_room`] while more
//! than [`CAPACITY`] bytes are queued. A short message that the stream accepts without blocking is written immediately,
//! which saves the 0.05 ms it takes to wake the thread.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{debug, warn};

/// Maximum number of queued bytes before the server stops reading requests.
const CAPACITY: usize = 4 << 20;

/// Maximum size of a message that a ready pipe accepts without blocking: `PIPE_BUF` on Linux, elsewhere the minimum that
/// POSIX allows.
pub const PIPE_BYTES: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// The destination of messages.
pub trait Stream: Write + Send + 'static {
    /// Whether [`PIPE_BYTES`] bytes can be written without blocking.
    fn is_ready(&self) -> bool;
}

/// A queue of messages that one thread writes.
pub struct OutputQueue {
    state: Mutex<State>,
    /// Notified when a message is queued, and when one is written.
    changed: Condvar,
    /// Locked by the thread while bytes are queued, and by a sender while none are.
    stream: Mutex<Box<dyn Stream>>,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Vec<u8>>,
    /// Bytes in `messages` and in the message that is being written.
    bytes: usize,
    /// The stream has failed: the client is gone, and messages are discarded.
    is_broken: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes > CAPACITY
    }
}

impl OutputQueue {
    /// Starts the thread that writes to `stream`.
    pub fn start(stream: impl Stream) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            stream: Mutex::new(Box::new(stream)),
        });
        let writer = Arc::clone(&queue);
        thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || writer.write_queued())?;
        Ok(queue)
    }

    /// Sends a whole message without blocking.
    pub fn send(&self, message: Vec<u8>) {
        let mut state = self.lock();
        if state.is_broken {
            return;
        }
        let is_idle = state.bytes == 0 && message.len() <= PIPE_BYTES;
        if is_idle && self.stream().is_ready() {
            let written = self.write(&message);
            self.stop_if_broken(&mut state, written);
            return;
        }
        let was_full = state.is_full();
        state.bytes += message.len();
        state.messages.push_back(message);
        let is_full = state.is_full();
        drop(state);
        self.changed.notify_all();
        if is_full && !was_full {
            debug!("the client does not read its answers, so its requests have to wait");
        }
    }

    /// Blocks while more than [`CAPACITY`] bytes are queued.
    pub fn wait_for_room(&self) {
        drop(self.wait_while(self.lock(), State::is_full));
    }

    /// Blocks until everything has been written, for at most `timeout`: the client may have stopped reading.
    pub fn flush(&self, timeout: Duration) {
        let is_pending = |state: &mut State| state.bytes > 0;
        // The process exits next, with or without the rest of the queue.
        drop(
            self.changed
                .wait_timeout_while(self.lock(), timeout, is_pending),
        );
    }

    /// Writes the queued messages in order until the stream fails.
    fn write_queued(&self) {
        let mut state = self.lock();
        while !state.is_broken {
            let Some(message) = state.messages.pop_front() else {
                let is_idle = |state: &State| state.messages.is_empty() && !state.is_broken;
                state = self.wait_while(state, is_idle);
                continue;
            };
            drop(state);
            let written = self.write(&message);
            state = self.lock();
            state.bytes -= message.len();
            self.stop_if_broken(&mut state, written);
            self.changed.notify_all();
        }
    }

    fn write(&self, message: &[u8]) -> io::Result<()> {
        let mut stream = self.stream();
        stream.write_all(message)?;
        stream.flush()
    }

    /// Discards all messages if the stream has failed.
    fn stop_if_broken(&self, state: &mut State, written: io::Result<()>) {
        if let Err(error) = written {
            warn!("standard output: {error}");
            *state = State {
                is_broken: true,
                ..State::default()
            };
            self.changed.notify_all();
        }
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed
            .wait_while(state, |state| condition(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> MutexGuard<'_, Box<dyn Stream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A stream whose writes each wait for a result from the test.
    struct Stepped {
        steps: Receiver<io::Result<()>>,
        written: Sender<Vec<u8>>,
        is_ready: bool,
    }

    impl Stream for Stepped {
        fn is_ready(&self) -> bool {
            self.is_ready
        }
    }

    impl Write for Stepped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let is_over = |_| Err(io::ErrorKind::BrokenPipe.into());
            self.steps.recv().unwrap_or_else(is_over)?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue, the sender of its stream's results, and what the stream has written.
    type Started = (Arc<OutputQueue>, Sender<io::Result<()>>, Receiver<Vec<u8>>);

    fn start() -> Started {
        let (step, steps) = channel();
        let (written, messages) = channel();
        let is_ready = false;
        let stream = Stepped {
            steps,
            written,
            is_ready,
        };
        (OutputQueue::start(stream).unwrap(), step, messages)
    }

    #[test]
    fn messages_are_written_in_order() {
        let (queue, step, written) = start();
        let messages = [0, 1, 2].map(|number| vec![number; 3]);
        for message in &messages {
            queue.send(message.clone());
        }
        assert!(written.try_recv().is_err());
        for message in &messages {
            step.send(Ok(())).unwrap();
            assert_eq!(written.recv().as_ref(), Ok(message));
        }
    }

    #[test]
    fn a_short_message_is_written_at_once_if_the_stream_is_ready() {
        let ((step, steps), (written, messages)) = (channel(), channel());
        let is_ready = true;
        let stream = Stepped {
            steps,
            written,
            is_ready,
        };
        let queue = OutputQueue::start(stream).unwrap();
        step.send(Ok(())).unwrap();
        queue.send(vec![1; PIPE_BYTES]);
        // No other thread needs to run first.
        assert_eq!(messages.try_recv(), Ok(vec![1; PIPE_BYTES]));
        // A long message may block, and a short one does not overtake it.
        queue.send(vec![2; PIPE_BYTES + 1]);
        queue.send(vec![3]);
        assert!(messages.try_recv().is_err());
        step.send(Ok(())).unwrap();
        step.send(Ok(())).unwrap();
        assert_eq!(messages.recv(), Ok(vec![2; PIPE_BYTES + 1]));
        assert_eq!(messages.recv(), Ok(vec![3]));
        queue.flush(Duration::from_mins(1));
        step.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        queue.send(vec![4]);
        assert!(queue.lock().is_broken);
    }

    #[test]
    fn a_full_queue_has_room_once_enough_is_written() {
        let (queue, step, written) = start();
        queue.wait_for_room();
        let message = vec![0; CAPACITY / 2];
        for _ in 0..3 {
            queue.send(message.clone());
        }
        let waiting = Arc::clone(&queue);
        let reader = thread::spawn(move || {
            waiting.wait_for_room();
            waiting.lock().bytes
        });
        step.send(Ok(())).unwrap();
        assert_eq!(reader.join().unwrap(), CAPACITY);
        assert_eq!(written.recv(), Ok(message));
    }

    #[test]
    fn nothing_waits_for_a_disconnected_client() {
        let (queue, step, written) = start();
        let long = vec![0; 2 * CAPACITY];
        queue.send(long.clone());
        step.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        queue.wait_for_room();
        queue.send(vec![0]);
        queue.send(long);
        queue.wait_for_room();
        queue.flush(Duration::from_mins(1));
        assert!(written.try_recv().is_err());
        assert_eq!(queue.lock().bytes, 0);
    }
}
