// CUDA kernels of a training step, between the matrix products. Compiled by NVRTC on first use, and as C by the tests,
// where emulate.c replaces the definitions of the block below.
// T steps, B lanes, H hidden units, V classes, N rows; everything row-major.

#ifdef __CUDACC__
#define KERNEL extern "C" __global__ void
#define DEVICE static __device__
#define SHARED __shared__
#define SYNCHRONIZE() __syncthreads()
#endif

#define THREADS 256 // maximum threads per block
#define PAD 0       // a target that is ignored
#define FIRST ((size_t)blockIdx.x * blockDim.x + threadIdx.x) // global thread index
#define STRIDE ((size_t)gridDim.x * blockDim.x)

typedef unsigned short bf16; // the upper half of a float

DEVICE float of_bf16(bf16 x) { return __uint_as_float((unsigned)x << 16); }

DEVICE bf16 to_bf16(float x) { // to the nearest, ties to even
    unsigned bits = __float_as_uint(x);
    return x != x ? 0x7fc0 : (bf16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

DEVICE float of_f32(float x) { return x; }
DEVICE float to_f32(float x) { return x; }

DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// Saved activations of an LSTM layer, one block per state: block 0 is the initial state, block t + 1 the result of step t,
// as gates i, f, g, o [B,4H], c [B,H], h [B,H]. `keep` [T,B] is 0 where a file starts, else 1.
//
// projected [T,B,4H] = W_ih x, recurrent [B,4H] = W_hh h of the previous step, bias [4H] is the sum of both.
KERNEL lstm_forward(float *saved, const float *projected, const float *recurrent, const float *bias, const float *keep,
                    int step, int lanes, int hidden) {
    size_t cells = (size_t)lanes * hidden, at = FIRST;
    if (at >= cells) return;
    const float *before = saved + step * 6 * cells;
    float *gates = saved + (step + 1) * 6 * cells, *c = gates + 4 * cells, *h = c + cells;
    size_t lane = at / hidden, unit = at % hidden, row = lane * 4 * hidden + unit;
    float kept = keep[(size_t)step * lanes + lane];
    const float *input = projected + step * 4 * cells;
    float i = sigmoid(input[row] + kept * recurrent[row] + bias[unit]);
    float f = sigmoid(input[row + hidden] + kept * recurrent[row + hidden] + bias[unit + hidden]);
    float g = tanhf(input[row + 2 * hidden] + kept * recurrent[row + 2 * hidden] + bias[unit + 2 * hidden]);
    float o = sigmoid(input[row + 3 * hidden] + kept * recurrent[row + 3 * hidden] + bias[unit + 3 * hidden]);
    float cell = f * kept * before[4 * cells + at] + i * g;
    gates[row] = i;
    gates[row + hidden] = f;
    gates[row + 2 * hidden] = g;
    gates[row + 3 * hidden] = o;
    c[at] = cell;
    h[at] = o * tanhf(cell);
}

// d = gradients of the pre-activations [T,B,4H], then dc [B,H] as it travels back through time. d_outputs [T,B,H];
// recurrent [B,H] = W_hh^T d of the next step, nothing after the last.
KERNEL lstm_backward(float *d, const float *saved, const float *recurrent, const float *d_outputs, const float *keep,
                     int step, int steps, int lanes, int hidden) {
    size_t cells = (size_t)lanes * hidden, at = FIRST;
    if (at >= cells) return;
    const float *before = saved + step * 6 * cells, *gates = before + 6 * cells;
    float *d_gates = d + step * 4 * cells, *d_cell = d + steps * 4 * cells;
    size_t lane = at / hidden, row = lane * 4 * hidden + at % hidden;
    float kept = keep[(size_t)step * lanes + lane];
    float dh = d_outputs[step * cells + at];
    if (step + 1 < steps) dh += keep[(size_t)(step + 1) * lanes + lane] * recurrent[at];
    float i = gates[row], f = gates[row + hidden], g = gates[row + 2 * hidden], o = gates[row + 3 * hidden];
    float squashed = tanhf(gates[4 * cells + at]);
    float dc = d_cell[at] + dh * o * (1.0f - squashed * squashed);
    d_gates[row] = dc * g * i * (1.0f - i);
    d_gates[row + hidden] = dc * kept * before[4 * cells + at] * f * (1.0f - f);
    d_gates[row + 2 * hidden] = dc * i * (1.0f - g * g);
    d_gates[row + 3 * hidden] = dh * squashed * o * (1.0f - o);
    d_cell[at] = dc * f * kept;
}

// statistics [N,2] = logarithm of the softmax's denominator, and cross-entropy, of logits [N,V] + bias [V]. One block a row.
#define SOFTMAX_STATISTICS(TYPE, SUFFIX)                                                                               \
    KERNEL softmax_statistics_##SUFFIX(float *statistics, const TYPE *logits, const float *bias,                       \
                                       const unsigned *targets, int classes) {                                         \
        SHARED float largest[THREADS], sums[THREADS];                                                                  \
        size_t row = blockIdx.x;                                                                                       \
        logits += row * classes;                                                                                       \
        float most = -3.0e38f, sum = 0.0f;                                                                             \
        for (int k = threadIdx.x; k < classes; k += blockDim.x) {                                                      \
            float z = of_##SUFFIX(logits[k]) + bias[k];                                                                \
            if (z > most) {                                                                                            \
                sum *= expf(most - z);                                                                                 \
                most = z;                                                                                              \
            }                                                                                                          \
            sum += expf(z - most);                                                                                     \
        }                                                                                                              \
        largest[threadIdx.x] = most;                                                                                   \
        sums[threadIdx.x] = sum;                                                                                       \
        for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {                                                    \
            SYNCHRONIZE();                                                                                             \
            if (threadIdx.x < half) {                                                                                  \
                float a = largest[threadIdx.x], b = largest[threadIdx.x + half], both = a > b ? a : b;                 \
                sums[threadIdx.x] = sums[threadIdx.x] * expf(a - both) + sums[threadIdx.x + half] * expf(b - both);    \
                largest[threadIdx.x] = both;                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        if (threadIdx.x == 0) {                                                                                        \
            float denominator = largest[0] + logf(sums[0]);                                                            \
            unsigned target = targets[row];                                                                            \
            statistics[2 * row] = denominator;                                                                         \
            statistics[2 * row + 1] =                                                                                  \
                target == PAD ? 0.0f : denominator - of_##SUFFIX(logits[target]) - bias[target];                       \
        }                                                                                                              \
    }

// logits [N,V] -> their gradient, in place: (softmax - [class is the target]) scale. One block a row.
#define SOFTMAX_GRADIENT(TYPE, SUFFIX)                                                                                 \
    KERNEL softmax_gradient_##SUFFIX(TYPE *logits, const float *statistics, const float *bias,                         \
                                     const unsigned *targets, float scale, int classes) {                              \
        size_t row = blockIdx.x;                                                                                       \
        float denominator = statistics[2 * row];                                                                       \
        int target = (int)targets[row];                                                                                \
        logits += row * classes;                                                                                       \
        for (int k = threadIdx.x; k < classes; k += blockDim.x) {                                                      \
            float p = expf(of_##SUFFIX(logits[k]) + bias[k] - denominator);                                            \
            logits[k] = to_##SUFFIX(target == PAD ? 0.0f : (p - (k == target ? 1.0f : 0.0f)) * scale);                 \
        }                                                                                                              \
    }

SOFTMAX_STATISTICS(float, f32)
SOFTMAX_STATISTICS(bf16, bf16)
SOFTMAX_GRADIENT(float, f32)
SOFTMAX_GRADIENT(bf16, bf16)

// y = x with some elements zeroed and the others scaled: draw k of SplitMix64 (see random.rs) decides on 2k and 2k + 1.
KERNEL dropout(float *y, const float *x, int count, unsigned threshold, float scale, unsigned long long seed) {
    for (size_t at = FIRST; at < (size_t)count; at += STRIDE) {
        unsigned long long z = seed + (at / 2 + 1) * 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        z ^= z >> 31;
        y[at] = (unsigned)(at % 2 ? z >> 32 : z) < threshold ? 0.0f : x[at] * scale;
    }
}

// gradient [V,width] += d [N,width], row n into row ids[n]. Several rows may meet in one: the order of the additions, and
// with it the last bits, differ from run to run.
KERNEL embedding_gradient(float *gradient, const unsigned *ids, const float *d, int count, int width) {
    for (size_t at = FIRST; at < (size_t)count * width; at += STRIDE)
        atomicAdd(gradient + (size_t)ids[at / width] * width + at % width, d[at]);
}
