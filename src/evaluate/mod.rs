//! `minicopilot evaluate`: measures the quality and latency of the server as an editor sees them.
//!
//! It starts the real server, types files into it over standard input and output, and scores the answers with
//! [`crate::metrics`]. It does not look inside the server.
//!
//! ```text
//! sample  -> targets to measure      server -> how it is started      progress -> a line on the terminal
//! quality    quality of the candidates: typist -> parts -> report -> page
//! latency    time from a key to its completion list
//! lines      accuracy of predicting the rest of a line
//! identifiers  whether a name is among the first five items
//! ```

mod identifiers;
mod latency;
mod lines;
mod page;
mod parts;
mod progress;
mod quality;
mod report;
mod sample;
mod server;
mod typist;

pub use identifiers::{Identifiers, run as ask_identifiers};
pub use latency::{Speed, Typing, run as type_keys};
pub use lines::{Lines, run as cut_lines};
pub use page::page;
pub use quality::run;
pub use report::Report;
pub use sample::Sample;
pub use server::Setting;
