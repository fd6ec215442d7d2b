//! Language Server Protocol: a client, and the message framing that client and server share.
//!
//! [`client`] starts a language server as a child process and talks to it; `evaluate` and the integration tests use it.
//! [`framing`] reads and writes the base protocol's messages. Both use blocking calls and threads, without an async
//! runtime, and do not depend on a particular server: everything beyond the protocol is passed as JSON.
//!
//! ```no_run
//! use minicopilot::lsp::{Client, Position};
//! use std::process::Command;
//!
//! let mut client = Client::start(Command::new("some-server"))?;
//! client.initialize(serde_json::json!({"capabilities": {}}))?;
//! client.open("file:///a.py", "python", 1, "import o")?;
//! let answer = client.completion("file:///a.py", Position::new(0, 8))?;
//! println!("{answer}");
//! # Ok::<(), minicopilot::lsp::Error>(())
//! ```

pub mod client;
pub mod framing;

pub use client::{
    Answer, Change, Client, Error, Notification, Position, Range, RequestId, ResponseError,
};
pub use framing::frame;
