//! The recurrent network with quantised weights: computes what [`crate::model::Model`] computes, for one sequence and
//! without gradients.

use std::panic::resume_unwind;
use std::sync::mpsc::channel;
use std::thread;

use super::int8::kernel::Kernel;
use super::int8::matrix::{Activations, Matrix};
use super::network::{Network, StateAt};
use super::recurrent_state::{RecurrentLayerState, RecurrentState};
use super::snapshot_store::{STRIDE, SnapshotStore};
use crate::model::{Architecture, ModelConfig};
use crate::model::{MissingParameter, Parameter, Parameters, named};
use crate::simd::{multiversioned, sigmoid, tanh};
use crate::tokenizer::TokenId;

/// Number of tokens that a layer reads before the next layer does: one pass over the weights computes the input
/// products for all of them. Snapshots can be taken at the end of a block.
const BLOCK: usize = STRIDE;
/// Maximum number of blocks per call, so that two threads can share the work.
const MAX_BLOCKS: usize = 8;

/// Embedding, two recurrent layers, output layer.
#[derive(Debug)]
pub(super) struct RecurrentNetwork {
    kernel: Kernel,
    architecture: Architecture,
    hidden_size: usize,
    embedding: Matrix, // [V,E]
    layers: [Layer; 2],
    output: Matrix, // [V,H]
    output_bias: Vec<f32>,
}

/// A recurrent layer.
#[derive(Debug)]
struct Layer {
    cell: Cell,
    input: Matrix,     // [G*H,I]
    recurrent: Matrix, // [G*H,H]
    /// Both biases together, `[G*H]`.
    bias: Vec<f32>,
}

/// A layer's state after a block, and its outputs `[T,H]`.
type Outcome = (RecurrentLayerState, Vec<f32>);

/// Updates `h` and `c` in place from the sums of all gates `[G*H]`.
type Cell = fn(&[f32], &mut [f32], &mut [f32]);

/// The result of reading a block of `T` tokens.
#[derive(Debug)]
struct BlockOutput {
    /// The state after the last token.
    state: RecurrentState,
    /// The output layer's input after each token, `[T,H]`.
    hidden: Vec<f32>,
}

impl RecurrentNetwork {
    /// Quantises the parameters that `config` names ([`ModelConfig::parameters`]).
    pub(super) fn new(
        config: &ModelConfig,
        parameters: &Parameters,
        kernel: Kernel,
    ) -> Result<Self, MissingParameter> {
        let values = |name: &str| named(parameters, name).map(Parameter::values);
        let matrix = |name: &str| -> Result<Matrix, MissingParameter> {
            let parameter = named(parameters, name)?;
            let columns = parameter.shape()[1];
            Ok(Matrix::new(parameter.values(), columns))
        };
        let layer = |layer: usize| -> Result<Layer, MissingParameter> {
            let name = |parameter| config.layer_parameter(layer, parameter);
            let bias = values(&name("bias_ih"))?
                .iter()
                .zip(values(&name("bias_hh"))?);
            Ok(Layer {
                cell: match config.architecture {
                    Architecture::Rnn => elman_cell,
                    _ => lstm_cell,
                },
                input: matrix(&name("weight_ih"))?,
                recurrent: matrix(&name("weight_hh"))?,
                bias: bias.map(|(input, recurrent)| input + recurrent).collect(),
            })
        };
        Ok(Self {
            kernel,
            architecture: config.architecture,
            hidden_size: config.hidden_size,
            embedding: matrix("embedding.weight")?,
            layers: [layer(0)?, layer(1)?],
            output: matrix("output.weight")?,
            output_bias: values("output.bias")?.to_vec(),
        })
    }

    /// `V`, the size of the vocabulary.
    pub(super) fn vocabulary_size(&self) -> usize {
        self.output_bias.len()
    }

    /// The kernel in use.
    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    pub(super) fn set_kernel(&mut self, kernel: Kernel) {
        self.kernel = kernel;
    }

    /// Number of weight bytes that one step reads.
    pub(super) fn step_bytes(&self) -> usize {
        let layers = self.layers.iter();
        layers
            .map(|layer| layer.input.bytes() + layer.recurrent.bytes())
            .sum()
    }

    /// Number of weight bytes that one distribution reads.
    pub(super) fn output_bytes(&self) -> usize {
        self.output.bytes()
    }

    /// Reads `ids` from `state` on until `stop` returns true, but at least one [`BLOCK`]. Returns the result of each
    /// block. If there are several, the second layer runs on its own thread, one block behind the first.
    fn read_blocks(
        &self,
        state: &RecurrentState,
        ids: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Vec<BlockOutput> {
        let [mut first, mut second] = state.layers.clone();
        let blocks = ids.chunks(BLOCK).enumerate();
        let blocks = blocks.take_while(|(block, _)| *block == 0 || !stop());
        let mut lower = blocks.map(|(_, ids)| {
            let mut x = Activations::default();
            for &id in ids {
                self.embedding.push_row(id.index(), &mut x);
            }
            let (inputs, h) = self.layers[0].read(self.kernel, &x, &mut first);
            (inputs, (first.clone(), h))
        });
        let mut upper = |inputs: Activations| {
            let (_, h) = self.layers[1].read(self.kernel, &inputs, &mut second);
            (second.clone(), h)
        };
        let together = thread::scope(|scope| {
            if ids.len() <= BLOCK {
                return None;
            }
            let (outputs, inputs) = channel();
            let read = || inputs.into_iter().map(&mut upper).collect::<Vec<_>>();
            let thread = thread::Builder::new().name("inference, layer 2".to_owned());
            let seconds = thread.spawn_scoped(scope, read).ok()?;
            let mut firsts = Vec::new();
            for (inputs, first) in lower.by_ref() {
                // The receiver is gone only if its thread has panicked; the join below reports that.
                let _ = outputs.send(inputs);
                firsts.push(first);
            }
            drop(outputs);
            let seconds = seconds.join().unwrap_or_else(|panic| resume_unwind(panic));
            Some(firsts.into_iter().zip(seconds).collect())
        });
        let layers: Vec<(Outcome, Outcome)> = together.unwrap_or_else(|| {
            lower
                .map(|(inputs, first)| (first, upper(inputs)))
                .collect()
        });
        let blocks = layers.into_iter();
        blocks
            .map(|((first, below), (second, above))| BlockOutput {
                state: RecurrentState {
                    layers: [first, second],
                },
                hidden: self.joined(below, &above),
            })
            .collect()
    }

    /// Combines the outputs of both layers into the input of the output layer.
    fn joined(&self, mut first: Vec<f32>, second: &[f32]) -> Vec<f32> {
        match self.architecture {
            Architecture::ResidualLstm => {
                first.iter_mut().zip(second).for_each(|(a, b)| *a += b);
            }
            _ => first.copy_from_slice(second),
        }
        first
    }
}

impl Network for RecurrentNetwork {
    type Store = SnapshotStore;

    fn store(&self) -> SnapshotStore {
        SnapshotStore::new()
    }

    fn start(&self) -> RecurrentState {
        RecurrentState::zero(self.hidden_size)
    }

    fn read(
        &self,
        store: &mut SnapshotStore,
        at: &mut StateAt<RecurrentState>,
        ids: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Vec<f32> {
        // First up to the next multiple of the stride, where snapshots are taken.
        let most = match at.read % STRIDE {
            0 => MAX_BLOCKS * BLOCK,
            past => STRIDE - past,
        };
        let mut hidden = Vec::new();
        for block in self.read_blocks(&at.state, &ids[..ids.len().min(most)], stop) {
            at.read += block.hidden.len() / self.hidden_size;
            at.state = block.state;
            store.keep_snapshot(at);
            hidden.extend(block.hidden);
        }
        hidden
    }

    fn hidden(&self, state: &RecurrentState) -> Vec<f32> {
        let [first, second] = &state.layers;
        self.joined(first.h.clone(), &second.h)
    }

    fn logits(&self, hidden: &[f32]) -> Vec<f32> {
        let mut quantised = Activations::default();
        quantised.push(hidden);
        let mut logits = self.output_bias.clone();
        self.output
            .add_products(self.kernel, &quantised, &mut logits);
        logits
    }
}

impl Layer {
    /// Reads the inputs. Returns the outputs `h` `[T,H]`, quantised for the next layer and in f32. `state` becomes the
    /// state after the last input.
    fn read(
        &self,
        kernel: Kernel,
        x: &Activations,
        state: &mut RecurrentLayerState,
    ) -> (Activations, Vec<f32>) {
        let mut sums = self.bias.repeat(x.len());
        self.input.add_products(kernel, x, &mut sums);
        let (mut outputs, mut h) = (Activations::default(), Activations::default());
        let mut exact = Vec::with_capacity(x.len() * state.h.len());
        h.push(&state.h);
        for sums in sums.chunks_exact_mut(self.bias.len()) {
            self.recurrent.add_products(kernel, &h, sums);
            (self.cell)(sums, &mut state.h, &mut state.c);
            h.clear();
            h.push(&state.h);
            outputs.extend(&h);
            exact.extend_from_slice(&state.h);
        }
        (outputs, exact)
    }
}

multiversioned! {
    /// `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')`; gates in the order i, f, g, o.
    pub(super) fn lstm_cell(gates: &[f32], h: &mut [f32], c: &mut [f32]) {
        let size = h.len();
        let gate = |k: usize| &gates[k * size..(k + 1) * size];
        let ((i, f), (g, o)) = ((gate(0), gate(1)), (gate(2), gate(3)));
        let c = &mut c[..size];
        for k in 0..size {
            c[k] = sigmoid(f[k]) * c[k] + sigmoid(i[k]) * tanh(g[k]);
            h[k] = sigmoid(o[k]) * tanh(c[k]);
        }
    }

    /// `h' = tanh(sum)`.
    pub(super) fn elman_cell(gates: &[f32], h: &mut [f32], _c: &mut [f32]) {
        for (h, sum) in h.iter_mut().zip(gates) { *h = tanh(*sum); }
    }
}
