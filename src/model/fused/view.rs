//! Strided matrix views over slices, and the number of threads that work on them.

/// A matrix view: `rows` × `columns` with strides in elements.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a> View<'a> {
    /// `data` as a row-major matrix.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(
            data.len(),
            rows * columns,
            "a {rows} x {columns} matrix has the wrong number of values"
        );
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// `count` rows starting at `first`.
    pub(super) fn rows_from(self, first: usize, count: usize) -> Self {
        assert!(
            first + count <= self.rows,
            "the rows must be inside the matrix"
        );
        Self {
            data: &self.data[first * self.row_stride..],
            rows: count,
            ..self
        }
    }

    /// The transpose, without copying.
    pub(crate) fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Number of threads of the fused operations.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}
