//! A language-server client over standard input and output, for tests and measurements.
//!
//! It starts any server as a child process and speaks the Language Server Protocol with it: blocking calls, one thread
//! that reads, no async runtime. It owns framing, request ids, timeouts and latency as the client sees it. It knows
//! nothing of a particular server: what is not protocol is passed as JSON.
//!
//! ```no_run
//! use minicopilot_harness::{Client, Position};
//! use std::process::Command;
//!
//! let mut client = Client::start(Command::new("some-server"))?;
//! client.initialize(serde_json::json!({"capabilities": {}}))?;
//! client.open("file:///a.py", "python", 1, "import o")?;
//! let answer = client.completion("file:///a.py", Position::new(0, 8))?;
//! println!("{answer}");
//! # Ok::<(), minicopilot_harness::Error>(())
//! ```

mod client;
mod documents;
mod error;
mod framing;
mod lifecycle;
mod reader;
mod types;

pub use client::{Client, RequestId};
pub use error::{Error, ResponseError};
pub use framing::{frame, read_frame};
pub use types::{Answer, Change, Notification, Position, Range};
