//! Runs the real `trainer`, from sources to checkpoints and reports: interrupted, killed, resumed, evaluated, and with
//! invalid input.

mod fixture;
mod gate;
mod measured;
mod refusals;
mod resume;
