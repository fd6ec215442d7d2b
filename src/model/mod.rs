//! Language models: an embedding, layers, an output layer. The layers are two recurrent ones (RNN, LSTM, residual LSTM) or those of
//! a transformer.
//!
//! To add another kind of network, add an [`Architecture`]: its sizes and parameters go into `config.rs`, its initial
//! values into `initial.rs`, and its layers into a file next to `recurrent.rs` and `transformer.rs`. [`Model`] and [`State`]
//! in `language_model.rs` hold one variant for each. To serve it, implement `Network` (`inference/network.rs`), which also
//! says where a key-value cache goes.
//!
//! The configuration ([`ModelConfig`]), [`Parameters`], initial values and [`decode()`] are plain Rust. The forward and
//! backward passes use Candle and need the feature `candle`, which training enables. The server runs the same network
//! in int8 ([`crate::inference`]). Does not depend on files, text or optimisers.
//!
//! Axes: `T` time steps, `B` batch lanes, `E` embedding, `H` hidden, `V` vocabulary, `G` gates (4 in an LSTM, 1 in an
//! RNN). Sequences are time-major, `[T,B,..]`, so that one step is one contiguous block.

pub mod checkpoint;
mod config;
mod decode;
mod initial;
mod parameters;
mod random;

#[cfg(feature = "candle")]
mod dropout;
#[cfg(feature = "candle")]
mod fused;
#[cfg(feature = "candle")]
mod gpu;
#[cfg(feature = "candle")]
mod gradient_flow;
#[cfg(feature = "candle")]
mod language_model;
#[cfg(feature = "candle")]
mod layer_state;
#[cfg(feature = "candle")]
mod loss;
#[cfg(feature = "candle")]
mod pass;
#[cfg(feature = "candle")]
mod positions;
#[cfg(feature = "candle")]
mod recurrent;
#[cfg(feature = "candle")]
mod softmax;
#[cfg(all(test, feature = "candle"))]
mod tests;
#[cfg(feature = "candle")]
mod transformer;

pub use config::{Architecture, ModelConfig, TransformerConfig};
pub use decode::{Hypothesis, Search, StepModel, Stop, decode};
#[cfg(feature = "candle")]
pub use fused::{accelerated as bf16_accelerated, peak_rate};
#[cfg(feature = "candle")]
pub use gradient_flow::GradientFlow;
pub use initial::{Initialization, initial_parameters};
#[cfg(feature = "candle")]
pub use language_model::{Model, State};
pub(crate) use parameters::named;
pub use parameters::{MissingParameter, Parameter, Parameters};
#[cfg(feature = "candle")]
pub use pass::{MatmulPrecision, TrainingPass};
pub use random::{SplitMix64, shuffle};
#[cfg(feature = "candle")]
pub use softmax::Softmax;
