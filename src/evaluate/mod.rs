//! `minicopilot evaluate`: how good and how fast the server is, as an editor sees it.
//!
//! Starts the real server, types files into it over standard input and output, and counts its answers with the
//! project's one set of metrics. Nothing here looks inside the server.
//!
//! ```text
//! sample  -> which targets      server -> how it is started      progress -> a line on the terminal
//! quality    how good the candidates are: typist -> parts -> report -> page
//! latency    how long a key waits for its list
//! lines      how much of the rest of a line is predicted
//! identifiers  whether a name is among the first five
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
