//! The real `trainer`, from sources to checkpoints and reports: interrupted, killed, resumed, measured, and given what it
//! must refuse.

mod fixture;
mod gate;
mod measured;
mod refusals;
mod resume;
