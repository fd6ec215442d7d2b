//! The table of a text, a buffer that is edited, and what is met at a place.

mod build;
mod edits;
mod members;
