//! `trainer`: prepare a corpus, train, evaluate.

mod data;
mod prepare;

fn main() {}
