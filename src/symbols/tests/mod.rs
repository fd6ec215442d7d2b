//! The symbol table of a text, incremental edits of a buffer, and the members found at a position.

mod edits;
mod members;
mod parser;
