//! Vectorised element-wise functions, dispatched at run time to the processor's features.

/// Compiles functions three times (AVX-512, AVX2, baseline) from one body and selects the best at run time.
macro_rules! multiversioned {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block)*) => {$(
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            #[allow(clippy::inline_always, reason = "the body must be compiled inside each target_feature function")]
            fn body($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,fma")]
                fn v4($($arg: $type),*) $(-> $out)? { body($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn v3($($arg: $type),*) $(-> $out)? { body($($arg),*) }
                if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") {
                    // SAFETY: the processor has these features (avx512dq and the others imply avx512f and fma).
                    return unsafe { v4($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has these features.
                    return unsafe { v3($($arg),*) };
                }
            }
            body($($arg),*)
        }
    )*};
}
pub(crate) use multiversioned;

/// e^x to about 2 units in the last place (Cephes `expf`: argument reduction by ln 2, polynomial of degree 5),
/// branch-free; saturates at the ends of the range instead of returning infinity or zero.
#[inline(always)]
#[allow(
    clippy::inline_always,
    clippy::excessive_precision,
    reason = "must vectorise in its caller; constants as published"
)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding and subtracting it rounds to the nearest integer
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4;
    let p = 1.987_569_15e-4;
    let p = p * r + 1.398_199_950_7e-3;
    let p = p * r + 8.333_451_907_3e-3;
    let p = p * r + 4.166_579_589_4e-2;
    let p = p * r + 1.666_666_545_9e-1;
    let p = p * r + 5.000_000_120_1e-1;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23)) // the lowest bits of `shifted` are n
}

/// Logistic function.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent through the logistic function: absolute error below 2e-7.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
pub(crate) fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// Sixteen partial sums fill a vector register, and the order of addition is the same on every processor.
const LANES: usize = 16;

multiversioned! {
    /// The largest value; negative infinity for an empty slice.
    pub(crate) fn largest(row: &[f32]) -> f32 {
        let mut maxima = [f32::NEG_INFINITY; LANES];
        let (blocks, rest) = row.as_chunks::<LANES>();
        for block in blocks {
            for (m, x) in maxima.iter_mut().zip(block) { *m = if *x > *m { *x } else { *m }; }
        }
        maxima.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| a.max(b))
    }

    /// Sum of `e^(scale (x - shift))`.
    pub(crate) fn sum_of_exponentials(row: &[f32], shift: f32, scale: f32) -> f64 {
        let mut sum = 0.0;
        for part in row.chunks(64 * LANES) { // short enough for f32 accumulation
            let mut sums = [0.0f32; LANES];
            let (blocks, rest) = part.as_chunks::<LANES>();
            for block in blocks {
                for (s, x) in sums.iter_mut().zip(block) { *s += exp(scale * (*x - shift)); }
            }
            sum += sums.iter().map(|&s| f64::from(s)).sum::<f64>();
            sum += rest.iter().map(|&x| f64::from(exp(scale * (x - shift)))).sum::<f64>();
        }
        sum
    }

    /// Number of values above `bound`; with `or_equal`, at or above it.
    pub(crate) fn count_above(row: &[f32], bound: f32, or_equal: bool) -> usize {
        let count: u32 = if or_equal {
            row.iter().map(|&x| u32::from(x >= bound)).sum()
        } else {
            row.iter().map(|&x| u32::from(x > bound)).sum()
        };
        count as usize
    }

    /// Softmax in place; returns the log of the normaliser (log-sum-exp).
    pub(crate) fn softmax_in_place(row: &mut [f32]) -> f32 {
        let max = largest(row);
        let mut sums = [0.0f32; LANES];
        let (blocks, rest) = row.as_chunks_mut::<LANES>();
        for block in blocks {
            for (s, x) in sums.iter_mut().zip(block) { *x = exp(*x - max); *s += *x; }
        }
        for x in &mut *rest { *x = exp(*x - max); }
        let sum: f32 = sums.iter().chain(&*rest).sum();
        let scale = 1.0 / sum;
        for x in row { *x *= scale; }
        max + sum.ln()
    }

    /// Inner product.
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (x, y) in a.iter().zip(b) {
            for k in 0..LANES { sums[k] += x[k] * y[k]; }
        }
        sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
    }
}
