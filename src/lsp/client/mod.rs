//! A language-server client over standard input and output, for tests and measurements.
//!
//! It starts any server as a child process, numbers requests, waits for answers, measures latency and shuts the server
//! down by protocol. A thread reads the server's output and timestamps each message on arrival, so that a latency does
//! not depend on when the caller reads it. Everything else runs on the caller's thread.

mod documents;
mod error;
mod lifecycle;
mod reader;
mod types;

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::framing::frame;
use reader::{Incoming, collect, read_messages};

pub use error::{Error, ResponseError};
pub use types::{Answer, Change, Notification, Position, Range};

/// Timeout of [`Client::call`].
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The id of a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(i64);

impl RequestId {
    /// The id as it was sent.
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// A running server and the messages received from it so far.
///
/// Dropping it ends the server by protocol (`shutdown`, `exit`) and kills it if that takes too long.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    incoming: Receiver<Incoming>,
    errors: Arc<Mutex<String>>,
    last_id: i64,
    asked: HashMap<i64, Asked>,
    answers: HashMap<i64, Answer>,
    unaddressed: VecDeque<Answer>,
    notifications: Vec<Notification>,
}

struct Asked {
    method: String,
    at: Instant,
}

impl Client {
    /// Starts a server. Its standard error goes where the command says; if that is a pipe, [`Client::stderr`] returns it.
    pub fn start(mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Error::Start)?;
        let (sender, incoming) = channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || read_messages(output, &sender));
        }
        let errors = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = child.stderr.take() {
            let errors = Arc::clone(&errors);
            thread::spawn(move || collect(stderr, &errors));
        }
        Ok(Self {
            input: child.stdin.take(),
            child,
            incoming,
            errors,
            last_id: 0,
            asked: HashMap::new(),
            answers: HashMap::new(),
            unaddressed: VecDeque::new(),
            notifications: Vec::new(),
        })
    }

    /// Sends a request and waits for its result.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value, Error> {
        self.measure(method, params).map(|(value, _)| value)
    }

    /// Sends a request and waits for its result and latency.
    pub fn measure(&mut self, method: &str, params: Value) -> Result<(Value, Duration), Error> {
        let id = self.request(method, params)?;
        let answer = self.wait(id, CALL_TIMEOUT)?;
        match answer.result {
            Ok(value) => Ok((value, answer.latency)),
            Err(error) => Err(Error::Response {
                method: method.to_owned(),
                error,
            }),
        }
    }

    /// Sends a request without waiting. `null` parameters are left out.
    pub fn request(&mut self, method: &str, params: Value) -> Result<RequestId, Error> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        let asked = Asked {
            method: method.to_owned(),
            at: Instant::now(),
        };
        self.asked.insert(id, asked);
        self.send(&message)?;
        Ok(RequestId(id))
    }

    /// Sends a notification. `null` parameters are left out.
    pub fn notify(&mut self, method: &str, params: Value) -> Result<(), Error> {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message)
    }

    /// Cancels a request. The server still answers it.
    pub fn cancel(&mut self, id: RequestId) -> Result<(), Error> {
        self.notify("$/cancelRequest", json!({"id": id.0}))
    }

    /// Waits for the answer to a request, which may be an error.
    pub fn wait(&mut self, id: RequestId, timeout: Duration) -> Result<Answer, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(answer) = self.answers.remove(&id.0) {
                return Ok(answer);
            }
            if !self.receive(deadline)? {
                // Keep it in `asked`: the answer may still arrive.
                let asked = self.asked.get(&id.0).map(|asked| asked.method.clone());
                return Err(Error::Timeout {
                    method: asked.unwrap_or_else(|| format!("request {}", id.0)),
                    after: timeout,
                });
            }
        }
    }

    /// Waits for a notification with this method. Keeps other notifications for later calls.
    pub fn wait_notification(
        &mut self,
        method: &str,
        timeout: Duration,
    ) -> Result<Notification, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(at) = self.notifications.iter().position(|n| n.method == method) {
                return Ok(self.notifications.remove(at));
            }
            if !self.receive(deadline)? {
                return Err(Error::Timeout {
                    method: method.to_owned(),
                    after: timeout,
                });
            }
        }
    }

    /// Takes the notifications received so far, in order.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        while matches!(self.receive(Instant::now()), Ok(true)) {}
        std::mem::take(&mut self.notifications)
    }

    /// Writes raw bytes, for tests with invalid input.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = match self.input.as_mut() {
            Some(input) => input.write_all(bytes).and_then(|()| input.flush()),
            None => return Err(Error::Closed(None)),
        };
        written.map_err(|_| self.closed())
    }

    /// Waits for an answer without an id, which a server sends for a message that it could not parse.
    pub fn wait_unaddressed(&mut self, timeout: Duration) -> Result<Answer, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(answer) = self.unaddressed.pop_front() {
                return Ok(answer);
            }
            if !self.receive(deadline)? {
                return Err(Error::Timeout {
                    method: "an invalid message".to_owned(),
                    after: timeout,
                });
            }
        }
    }

    /// The server's process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// The server's standard error so far, if that is a pipe.
    pub fn stderr(&self) -> String {
        self.errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn send(&mut self, message: &Value) -> Result<(), Error> {
        self.send_bytes(&frame(message.to_string().as_bytes()))
    }

    /// Receives one message; false on timeout.
    fn receive(&mut self, deadline: Instant) -> Result<bool, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.incoming.recv_timeout(left) {
            Ok(Incoming::Message(message, at)) => self.accept(message, at).map(|()| true),
            Ok(Incoming::Malformed(what)) => Err(Error::Malformed(what)),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Err(self.closed()),
        }
    }

    fn accept(&mut self, mut message: Value, at: Instant) -> Result<(), Error> {
        let id = message.get("id").cloned();
        let method = message
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned);
        match (id, method) {
            (Some(id), Some(method)) => self.answer_server(&id, &method, &message["params"]),
            (None, Some(method)) => {
                let params = message["params"].take();
                self.notifications.push(Notification { method, params });
                Ok(())
            }
            (Some(id), None) => {
                let result = match message.get_mut("error") {
                    Some(error) => Err(serde_json::from_value(error.take())
                        .map_err(|error| Error::Malformed(error.to_string()))?),
                    None => Ok(message["result"].take()),
                };
                self.accept_answer(&id, result, at)
            }
            (None, None) => Err(Error::Malformed(format!(
                "a message without id or method: {message}"
            ))),
        }
    }

    fn accept_answer(
        &mut self,
        id: &Value,
        result: Result<Value, ResponseError>,
        at: Instant,
    ) -> Result<(), Error> {
        if id.is_null() {
            let latency = Duration::ZERO;
            self.unaddressed.push_back(Answer { result, latency });
            return Ok(());
        }
        let open = id
            .as_i64()
            .and_then(|id| Some((id, self.asked.remove(&id)?)));
        let Some((id, asked)) = open else {
            let what = format!("a response to request {id}, which is not pending");
            return Err(Error::Malformed(what));
        };
        let latency = at.saturating_duration_since(asked.at);
        self.answers.insert(id, Answer { result, latency });
        Ok(())
    }

    /// Answers requests from the server, so that the server never blocks on one.
    fn answer_server(&mut self, id: &Value, method: &str, params: &Value) -> Result<(), Error> {
        let nothing = match method {
            "workspace/configuration" => {
                let items = params["items"].as_array().map_or(0, Vec::len);
                json!(vec![Value::Null; items])
            }
            "client/registerCapability"
            | "client/unregisterCapability"
            | "window/workDoneProgress/create"
            | "window/showMessageRequest"
            | "workspace/workspaceFolders" => Value::Null,
            _ => {
                let message = format!("{method} is not supported");
                let error = json!({"code": -32601, "message": message});
                return self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
            }
        };
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": nothing}))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Client {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Client::start(command).unwrap()
    }

    #[test]
    fn a_server_exit_is_reported_with_its_status() {
        let mut client = shell("exit 3");
        match client.call("initialize", json!({})) {
            Err(Error::Closed(Some(status))) => assert_eq!(status.code(), Some(3)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_silent_server_times_out() {
        let mut client = shell("cat > /dev/null; exit 0");
        let id = client.request("initialize", json!({})).unwrap();
        let error = client.wait(id, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.to_string(), "no answer to initialize within 20ms");
        client.close_input();
        assert!(client.wait_exit(Duration::from_secs(5)).unwrap().success());
    }

    #[test]
    fn output_outside_the_protocol_is_reported() {
        let mut client = shell("echo Hello; exec cat > /dev/null");
        let error = client.call("initialize", json!({})).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"the server broke the protocol: expected a header, found "Hello""#
        );
    }

    /// `cat` echoes every message: our own request arrives as a request from the server, and is answered.
    #[test]
    fn a_servers_request_gets_an_answer() {
        let mut client = shell("exec cat");
        let params = json!({"items": [{}, {}]});
        let id = client.request("workspace/configuration", params).unwrap();
        let answer = client.wait(id, Duration::from_secs(5)).unwrap();
        assert_eq!(answer.result.unwrap(), json!([null, null]));
        assert!(answer.latency < Duration::from_secs(5));
        client.close_input();
    }
}
