//! Connects standard input and output to the framework's byte streams.
//!
//! The framework's decoder ends the session at the first unreadable message. Therefore a thread reads standard input
//! first: it passes valid messages on, answers anything else with a JSON-RPC error, and continues at the next header.
//! The framework's output goes to an [`OutputQueue`].

use std::io::{self, BufRead};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tracing::warn;

use super::output::OutputQueue;
use crate::lsp::framing::{Frame, FrameReader, frame};

/// Maximum number of messages read before the framework takes them.
const READ_AHEAD: usize = 256;

/// The client's valid messages, with new headers.
pub struct Input {
    frames: Receiver<Vec<u8>>,
    frame: Vec<u8>,
    /// Number of bytes of `frame` that the framework has taken.
    taken: usize,
}

/// Resolves when standard input has ended: with an error, since nothing is ever sent.
pub type Ended = oneshot::Receiver<()>;

impl Input {
    /// Starts the thread that reads `input`. The thread answers invalid messages through `output`, and stops reading
    /// while that is full.
    pub fn start(
        input: impl BufRead + Send + 'static,
        output: Arc<OutputQueue>,
    ) -> io::Result<(Self, Ended)> {
        let (messages, frames) = channel(READ_AHEAD);
        let (alive, ended) = oneshot::channel();
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || {
                read_messages(FrameReader::new(input), &messages, &output);
                drop(alive);
            })?;
        let input = Self {
            frames,
            frame: Vec::new(),
            taken: 0,
        };
        Ok((input, ended))
    }
}

fn read_messages(
    mut frames: FrameReader<impl BufRead>,
    messages: &Sender<Vec<u8>>,
    output: &OutputQueue,
) {
    loop {
        output.wait_for_room();
        let checked = match frames.read() {
            Ok(Frame::Body(body)) => check(&body).map(|()| frame(&body)),
            Ok(Frame::Invalid(why)) => Err(Response::from_error(Id::Null, parse_error(&why))),
            Ok(Frame::End) => return,
            Ok(Frame::Truncated) => {
                warn!("standard input ended inside a message");
                return;
            }
            Err(error) => {
                warn!("standard input: {error}");
                return;
            }
        };
        match checked {
            Ok(message) => {
                if messages.blocking_send(message).is_err() {
                    return;
                }
            }
            Err(refusal) => refuse(&refusal, output),
        }
    }
}

/// Checks that the framework can decode a body. If not, returns the response to it.
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

fn refuse(refusal: &Response, output: &OutputQueue) {
    if let Some(error) = refusal.error() {
        warn!("rejected a message: {}", error.message);
    }
    if let Ok(body) = serde_json::to_vec(refusal) {
        output.send(frame(&body));
    }
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.taken == this.frame.len() {
            let Some(frame) = ready!(this.frames.poll_recv(context)) else {
                return Poll::Ready(Ok(()));
            };
            (this.frame, this.taken) = (frame, 0);
        }
        let rest = &this.frame[this.taken..];
        let n = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..n]);
        this.taken += n;
        Poll::Ready(Ok(()))
    }
}

/// The framework's output. Each write is one or more whole messages.
pub struct Output(pub Arc<OutputQueue>);

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.send(bytes.to_vec());
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
    use crate::server::output::Stream;
    use std::future::poll_fn;
    use std::io::Write;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Returns what the framework receives, and what is answered, for bytes from a client.
    fn check(sent: &[u8]) -> (String, String) {
        let (answers, written) = mpsc::channel();
        let output = OutputQueue::start(Sink(answers)).unwrap();
        let sent = io::Cursor::new(sent.to_vec());
        let (mut input, _ended) = Input::start(sent, Arc::clone(&output)).unwrap();
        let mut passed = Vec::new();
        while let Some(bytes) = read_some(&mut input) {
            passed.extend(bytes);
        }
        output.flush(Duration::from_secs(30));
        let answered: Vec<u8> = written.try_iter().flatten().collect();
        (
            String::from_utf8(passed).unwrap(),
            String::from_utf8(answered).unwrap(),
        )
    }

    /// Reads into a small buffer, as the framework may.
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

    impl Stream for Sink {
        fn is_ready(&self) -> bool {
            false
        }
    }

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
    fn valid_messages_pass_unchanged() {
        let sent = framed(EXIT) + &framed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
        assert_eq!(check(sent.as_bytes()), (sent, String::new()));
    }

    #[test]
    fn an_invalid_message_is_answered_and_the_next_one_passes() {
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
}
