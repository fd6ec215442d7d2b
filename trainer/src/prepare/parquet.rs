//! Reads CodeXGLUE Parquet files: rows of `path`, `code` (a list of tokens) and, in our own corpora, `package`.
//!
//! Uses the crate's column readers, a few rows at a time. In a list column each value has two levels: repetition level
//! 0 starts a row, and a definition level below the maximum means that there is no value because the list is empty or
//! missing or the element is null.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use parquet::basic::Type;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::chunks::Chunks;
use super::document::{Body, Raw, Skip};

/// Rows read at a time: about 100,000 tokens.
const ROWS: usize = 64;

/// Passes on all rows. An error names the file and the cause.
pub fn read(file: &Path, chunks: &mut Chunks) -> Result<()> {
    let name = file.display();
    let file = File::open(file).with_context(|| format!("{name}: cannot be read"))?;
    let broken = || format!("{name}: not a complete Parquet file; download it again");
    let reader = SerializedFileReader::new(file).with_context(broken)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = Columns::find(schema)
        .with_context(|| format!("{name}: not a Parquet file of tokenised code"))?;
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let mut rows = reader
            .get_row_group(group)
            .map_err(anyhow::Error::from)
            .and_then(|group| Rows::open(&*group, columns))
            .with_context(broken)?;
        while let Some(batch) = rows.next_batch().with_context(broken)? {
            for (path, package, body) in batch {
                number += 1;
                let raw = match path {
                    Some(path) => Raw {
                        path,
                        package,
                        body,
                    },
                    None => Raw {
                        path: format!("{name} row {number}"),
                        package,
                        body: Body::Broken(Skip::new("a row without a path", "")),
                    },
                };
                if chunks.push(raw, rows.bytes_per_row).is_break() {
                    return Ok(());
                }
            }
            if chunks.flush().is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The leaf columns that are read.
#[derive(Clone, Copy)]
struct Columns {
    path: usize,
    package: Option<usize>,
    code: usize,
}

impl Columns {
    fn find(schema: &SchemaDescriptor) -> Result<Self> {
        let find = |name: &str, lists: i16| -> Result<Option<usize>> {
            let is_it = |column: &ColumnDescriptor| {
                column.path().parts().first().is_some_and(|p| p == name)
            };
            let Some(index) = schema.columns().iter().position(|column| is_it(column)) else {
                return Ok(None);
            };
            let column = schema.column(index);
            ensure!(
                column.physical_type() == Type::BYTE_ARRAY && column.max_rep_level() == lists,
                "its column `{name}` does not contain {}",
                if lists == 1 {
                    "lists of strings"
                } else {
                    "strings"
                }
            );
            Ok(Some(index))
        };
        let required = |name: &str, lists: i16| {
            find(name, lists)?.ok_or_else(|| anyhow!("it has no column `{name}`"))
        };
        Ok(Self {
            path: required("path", 0)?,
            package: find("package", 0)?,
            code: required("code", 1)?,
        })
    }
}

/// Path, package and tokens.
type Row = (Option<String>, Option<String>, Body);

/// Iterates over the rows of a row group.
struct Rows {
    path: Strings,
    package: Option<Strings>,
    code: Strings,
    left: usize,
    bytes_per_row: u64,
}

impl Rows {
    fn open(group: &dyn RowGroupReader, columns: Columns) -> Result<Self> {
        let rows = usize::try_from(group.metadata().num_rows())?;
        Ok(Self {
            path: Strings::open(group, columns.path)?,
            package: columns
                .package
                .map(|c| Strings::open(group, c))
                .transpose()?,
            code: Strings::open(group, columns.code)?,
            left: rows,
            bytes_per_row: group.metadata().compressed_size().max(0) as u64 / rows.max(1) as u64,
        })
    }

    /// The next rows, or None at the end.
    fn next_batch(&mut self) -> Result<Option<Vec<Row>>> {
        let rows = self.left.min(ROWS);
        if rows == 0 {
            return Ok(None);
        }
        self.path.next(rows)?;
        self.code.next(rows)?;
        if let Some(package) = &mut self.package {
            package.next(rows)?;
        }
        let mut paths = self.path.flat();
        let mut packages = self.package.as_ref().map(Strings::flat);
        let bodies = self.code.lists();
        ensure!(bodies.len() == rows, "a column ends too early");
        let batch = bodies.into_iter().map(|body| {
            let package = packages.as_mut().and_then(Iterator::next).flatten();
            (paths.next().flatten(), package, body)
        });
        let batch = batch.collect();
        self.left -= rows;
        Ok(Some(batch))
    }
}

/// A column of strings or of lists of strings, and the rows that were read last.
struct Strings {
    reader: ColumnReaderImpl<ByteArrayType>,
    /// The definition level of a present value.
    there: i16,
    /// The definition level of a null list element, if elements may be null.
    null: Option<i16>,
    values: Vec<ByteArray>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Strings {
    fn open(group: &dyn RowGroupReader, column: usize) -> Result<Self> {
        let schema = group.metadata().schema_descr();
        let description = schema.column(column);
        let there = description.max_def_level();
        let is_optional = description.self_type().is_optional();
        Ok(Self {
            reader: get_typed_column_reader(group.get_column_reader(column)?),
            there,
            null: is_optional.then_some(there - 1),
            values: Vec::new(),
            definition: Vec::new(),
            repetition: Vec::new(),
        })
    }

    fn next(&mut self, rows: usize) -> Result<()> {
        self.values.clear();
        self.definition.clear();
        self.repetition.clear();
        let (definition, repetition) = (&mut self.definition, &mut self.repetition);
        let (read, ..) =
            self.reader
                .read_records(rows, Some(definition), Some(repetition), &mut self.values)?;
        if read != rows {
            bail!("a column ends {} rows too early", rows - read);
        }
        Ok(())
    }

    /// The rows of a plain column; None for null or invalid UTF-8.
    fn flat(&self) -> impl Iterator<Item = Option<String>> + '_ {
        let mut values = self.values.iter();
        // Required columns have no levels.
        let levels = self.definition.iter().map(|&level| level == self.there);
        let levels = levels
            .chain(std::iter::repeat(true))
            .take(self.definition.len().max(self.values.len()));
        levels.map(move |is_there| {
            let value = is_there.then(|| values.next()).flatten()?;
            value.as_utf8().ok().map(str::to_owned)
        })
    }

    /// The rows of a list column.
    fn lists(&self) -> Vec<Body> {
        let mut lists = Vec::with_capacity(ROWS);
        let mut values = self.values.iter();
        let mut at = 0;
        while at < self.repetition.len() {
            let next_row = self.repetition[at + 1..]
                .iter()
                .position(|&level| level == 0);
            let end = next_row.map_or(self.repetition.len(), |length| at + 1 + length);
            let levels = &self.definition[at..end];
            let count = levels.iter().filter(|&&level| level == self.there).count();
            let has_null = levels.iter().any(|&level| Some(level) == self.null);
            let mut text = Vec::new();
            let mut ends = Vec::with_capacity(count);
            for value in values.by_ref().take(count) {
                text.extend_from_slice(value.data());
                ends.push(text.len());
            }
            lists.push(if has_null {
                Body::Broken(Skip::new("a row with a null token", ""))
            } else {
                Body::Tokens { text, ends }
            });
            at = end;
        }
        lists
    }
}
