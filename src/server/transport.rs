//! Standard input and output as the framework wants them.
//!
//! The framework's decoder ends the session at the first message that it cannot read. Here a thread reads standard
//! input first: what is a message goes on, what is not is answered with a JSON-RPC error, and reading goes on at the
//! next header.
//!
//! An answer is written at once where that cannot block; otherwise a thread writes it, so that a client that is slow to
//! read never keeps the server from reading its edits. Of a client that reads nothing at all nothing more is read once
//! [`MOST_QUEUED`] bytes wait for it.

use std::io::{self, BufRead, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use minicopilot_harness::frame;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tracing::warn;

use super::framing::{Frame, Frames};

/// How long the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Messages that the client sent, framed anew.
pub struct Input {
    frames: Receiver<Vec<u8>>,
    rest: Vec<u8>,
    read: usize,
}

/// Bytes that may wait to be written before reading stops.
const MOST_QUEUED: usize = 4 << 20;

/// Messages that may be read before the framework takes them.
const MOST_READ: usize = 256;

/// What a pipe takes without waiting when the system says that it is ready: `PIPE_BUF`, and POSIX's least elsewhere.
const AT_ONCE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Where the framework writes. Each write is whole frames.
pub struct Output<W> {
    queue: mpsc::Sender<Vec<u8>>,
    stream: Arc<Stream<W>>,
}

/// The stream that both the framework's thread and the writing one write to.
struct Stream<W> {
    writer: Mutex<W>,
    /// Whether [`AT_ONCE`] bytes can be written without waiting.
    is_ready: fn() -> bool,
    /// Bytes queued and not yet written.
    queued: AtomicUsize,
    /// Nothing more can be written.
    broken: AtomicBool,
}

/// Resolves (with an error, for nothing is ever sent) when standard input has ended.
pub type Ended = oneshot::Receiver<()>;

/// The thread that writes.
pub struct Writer {
    queue: mpsc::Sender<Vec<u8>>,
    done: mpsc::Receiver<()>,
}

/// Starts both threads on these streams; `is_ready` tells whether [`AT_ONCE`] bytes of output would be taken at once.
pub fn start<W: Write + Send + 'static>(
    input: impl BufRead + Send + 'static,
    output: W,
    is_ready: fn() -> bool,
) -> io::Result<(Input, Output<W>, Ended, Writer)> {
    let (queue, queued) = mpsc::channel::<Vec<u8>>();
    let (finished, done) = mpsc::channel();
    let stream = Arc::new(Stream {
        writer: Mutex::new(output),
        is_ready,
        queued: AtomicUsize::new(0),
        broken: AtomicBool::new(false),
    });
    let output = Output {
        queue: queue.clone(),
        stream: Arc::clone(&stream),
    };
    thread::Builder::new()
        .name("output".to_owned())
        .spawn(move || {
            if let Err(error) = stream.write_all(&queued) {
                warn!("standard output: {error}");
                stream.broken.store(true, Ordering::Release);
            }
            drop(finished);
        })?;
    let (messages, frames) = channel(MOST_READ);
    let (alive, ended) = oneshot::channel();
    let errors = output.clone();
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            read(Frames::new(input), &messages, &errors);
            drop(alive);
        })?;
    let input = Input {
        frames,
        rest: Vec::new(),
        read: 0,
    };
    Ok((input, output, ended, Writer { queue, done }))
}

impl Writer {
    /// Waits until all that is queued is written; not long, for the client may have stopped reading.
    pub fn finish(self) {
        let _ = self.queue.send(Vec::new());
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}

impl<W: Write> Stream<W> {
    /// Writes what is queued until nothing can follow, or an empty message says that nothing will.
    fn write_all(&self, queue: &mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
        while let Ok(bytes) = queue.recv() {
            if bytes.is_empty() {
                break;
            }
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            write_out(&mut *writer, &bytes)?;
            self.queued.fetch_sub(bytes.len(), Ordering::AcqRel);
        }
        Ok(())
    }

    /// Writes now, if that would not have to wait and nothing else does; whether it was.
    fn write_at_once(&self, bytes: &[u8]) -> bool {
        let Ok(mut writer) = self.writer.try_lock() else {
            return false;
        };
        let nothing_waits = self.queued.load(Ordering::Acquire) == 0;
        // A stream that is broken is so for the other thread too, which says it.
        nothing_waits
            && bytes.len() <= AT_ONCE
            && (self.is_ready)()
            && write_out(&mut *writer, bytes).is_ok()
    }

    /// Whether so much waits that nothing more should be read.
    fn is_full(&self) -> bool {
        self.queued.load(Ordering::Acquire) > MOST_QUEUED && !self.broken.load(Ordering::Acquire)
    }
}

fn write_out(writer: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes)?;
    writer.flush()
}

fn read<R: BufRead, W: Write>(
    mut frames: Frames<R>,
    messages: &Sender<Vec<u8>>,
    errors: &Output<W>,
) {
    loop {
        while errors.stream.is_full() {
            thread::sleep(Duration::from_millis(10));
        }
        let refused = match frames.next() {
            Ok(Frame::End) => return,
            Ok(Frame::Garbage(why)) => Response::from_error(Id::Null, parse_error(&why)),
            Ok(Frame::Body(body)) => match check(&body) {
                Ok(()) => {
                    if messages.blocking_send(frame(&body)).is_err() {
                        return;
                    }
                    continue;
                }
                Err(refused) => refused,
            },
            Err(error) => {
                warn!("standard input: {error}");
                return;
            }
        };
        if let Some(error) = refused.error() {
            warn!("refused a message: {}", error.message);
        }
        if let Ok(body) = serde_json::to_vec(&refused) {
            errors.send(frame(&body));
        }
    }
}

/// Whether the framework will understand a body; else what to answer.
fn check(body: &[u8]) -> Result<(), Response> {
    if serde_json::from_slice::<Request>(body).is_ok()
        || serde_json::from_slice::<Response>(body).is_ok()
    {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Response::from_error(Id::Null, parse_error(&error.to_string())))?;
    let id = value
        .get("id")
        .and_then(|id| serde_json::from_value(id.clone()).ok());
    let mut error = Error::invalid_request();
    error.message = "not a JSON-RPC 2.0 request, notification or response".into();
    Err(Response::from_error(id.unwrap_or(Id::Null), error))
}

fn parse_error(why: &str) -> Error {
    let mut error = Error::parse_error();
    error.message = format!("Parse error: {why}").into();
    error
}

impl<W: Write> Output<W> {
    fn send(&self, bytes: Vec<u8>) {
        if !self.stream.write_at_once(&bytes) {
            self.stream.queued.fetch_add(bytes.len(), Ordering::AcqRel);
            // The writer is gone when the client no longer reads; the end of standard input follows.
            let _ = self.queue.send(bytes);
        }
    }
}

impl<W> Clone for Output<W> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            stream: Arc::clone(&self.stream),
        }
    }
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read == this.rest.len() {
            let Some(frame) = ready!(this.frames.poll_recv(context)) else {
                return Poll::Ready(Ok(()));
            };
            (this.rest, this.read) = (frame, 0);
        }
        let rest = &this.rest[this.read..];
        let n = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..n]);
        this.read += n;
        Poll::Ready(Ok(()))
    }
}

impl<W: Write> AsyncWrite for Output<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.send(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// What goes on to the framework, and what is answered, for some bytes from a client.
    fn check(sent: &[u8]) -> (String, String) {
        let (answers, written) = mpsc::channel();
        let (mut input, _output, _ended, writer) =
            start(io::Cursor::new(sent.to_vec()), Sink(answers), || false).unwrap();
        let mut passed = Vec::new();
        while let Some(bytes) = read_some(&mut input) {
            passed.extend(bytes);
        }
        writer.finish();
        let answered: Vec<u8> = written.try_iter().flatten().collect();
        (
            String::from_utf8(passed).unwrap(),
            String::from_utf8(answered).unwrap(),
        )
    }

    /// As the framework reads: into whatever room it has.
    fn read_some(input: &mut Input) -> Option<Vec<u8>> {
        let mut room = [0; 7];
        let mut buffer = ReadBuf::new(&mut room);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime
            .block_on(poll_fn(|context| {
                Pin::new(&mut *input).poll_read(context, &mut buffer)
            }))
            .unwrap();
        let read = buffer.filled().to_vec();
        (!read.is_empty()).then_some(read)
    }

    struct Sink(mpsc::Sender<Vec<u8>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn framed(body: &str) -> String {
        String::from_utf8(frame(body.as_bytes())).unwrap()
    }

    const EXIT: &str = r#"{"jsonrpc":"2.0","method":"exit"}"#;

    #[test]
    fn messages_pass_as_they_are() {
        let sent = framed(EXIT) + &framed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
        assert_eq!(check(sent.as_bytes()), (sent, String::new()));
    }

    #[test]
    fn what_is_no_message_is_answered_and_the_next_one_passes() {
        for (body, answer) in [
            (
                "{",
                r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error: EOF while parsing an object at line 1 column 1"},"id":null}"#,
            ),
            (
                "[]",
                r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"not a JSON-RPC 2.0 request, notification or response"},"id":null}"#,
            ),
            (
                r#"{"id":7,"method":"a"}"#,
                r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"not a JSON-RPC 2.0 request, notification or response"},"id":7}"#,
            ),
        ] {
            let sent = framed(body) + &framed(EXIT);
            assert_eq!(
                check(sent.as_bytes()),
                (framed(EXIT), framed(answer)),
                "{body}"
            );
        }
        let mut sent = frame(b"\"\xff\"");
        sent.extend(frame(EXIT.as_bytes()));
        let (passed, answered) = check(&sent);
        assert_eq!(passed, framed(EXIT));
        assert!(answered.contains("-32700"), "{answered}");
    }

    #[test]
    fn a_client_that_is_gone_does_not_keep_the_input_waiting() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sent = io::Cursor::new(framed(EXIT).into_bytes());
        let (mut input, output, ended, _writer) = start(sent, Gone, || true).unwrap();
        output.send(vec![b'x'; 2 * MOST_QUEUED]);
        while read_some(&mut input).is_some() {}
        assert!(
            ended.blocking_recv().is_err(),
            "it ends, and nothing is sent"
        );
    }
}
