//! CodeXGLUE parquet by the column readers alone: `id`, `path`, `code` (a list of strings), optionally `package`.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail};
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

/// Rows whose tokens are in memory at once.
const ROWS: usize = 256;

/// A row as it stands; what is missing or no text is `None`.
pub struct Row {
    pub path: Option<ByteArray>,
    pub package: Option<ByteArray>,
    pub code: Option<Vec<ByteArray>>,
}

/// One column of a row group with the nesting that tells rows apart.
struct Column {
    reader: ColumnReaderImpl<ByteArrayType>,
    max_definition: i16,
    max_repetition: i16,
}

/// Calls `f` with batches of rows and with how many rows the file has in all, until it returns `false`.
pub fn read(path: &Path, mut f: impl FnMut(Vec<Row>, u64) -> Result<bool>) -> Result<()> {
    let name = path.display();
    let broken = || format!("{name} is not a readable parquet file; download it again");
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let reader = SerializedFileReader::new(file).with_context(broken)?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let total = metadata.file_metadata().num_rows().max(0) as u64;
    let (Some(path_at), Some(code_at)) = (leaf(schema, "path"), leaf(schema, "code")) else {
        let columns: Vec<_> = schema.columns().iter().map(|c| c.path().string()).collect();
        bail!(
            "{name} has the columns {}, but `path` and `code` are needed",
            columns.join(", ")
        );
    };
    let package_at = leaf(schema, "package");
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).with_context(broken)?;
        let mut paths = Column::open(&*group, path_at).with_context(broken)?;
        let mut codes = Column::open(&*group, code_at).with_context(broken)?;
        let mut packages = package_at
            .map(|at| Column::open(&*group, at))
            .transpose()
            .with_context(broken)?;
        let rows = group.metadata().num_rows().max(0) as usize;
        for first in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - first);
            let paths = paths.texts(count).with_context(broken)?;
            let codes = codes.lists(count).with_context(broken)?;
            let packages = packages
                .as_mut()
                .map(|p| p.texts(count))
                .transpose()
                .with_context(broken)?;
            let packages = packages.unwrap_or_else(|| vec![None; count]);
            let rows = paths
                .into_iter()
                .zip(packages)
                .zip(codes)
                .map(|((path, package), code)| Row {
                    path,
                    package,
                    code,
                });
            if !f(rows.collect(), total)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The leaf column of this top-level name, if it holds texts.
fn leaf(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    let columns = schema.columns().iter();
    columns.into_iter().position(|c| {
        c.path().parts().first().is_some_and(|p| p == name) && c.physical_type() == Type::BYTE_ARRAY
    })
}

impl Column {
    fn open(group: &dyn RowGroupReader, at: usize) -> Result<Self> {
        let descriptor = group.metadata().column(at).column_descr_ptr();
        let ColumnReader::ByteArrayColumnReader(reader) = group.get_column_reader(at)? else {
            bail!("not a column of texts")
        };
        Ok(Self {
            reader,
            max_definition: descriptor.max_def_level(),
            max_repetition: descriptor.max_rep_level(),
        })
    }

    /// Values of `count` rows with their levels: (value or none, whether it begins a row).
    fn records(&mut self, count: usize, mut f: impl FnMut(Option<ByteArray>, bool)) -> Result<()> {
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (mut read, mut levels) = (0, 0);
        while read < count {
            let (records, _, more) = self.reader.read_records(
                count - read,
                Some(&mut definitions),
                Some(&mut repetitions),
                &mut values,
            )?;
            if records == 0 {
                bail!("a column ends {} rows early", count - read);
            }
            read += records;
            levels += more;
        }
        let (max_definition, nested) = (self.max_definition, self.max_repetition > 0);
        let mut values = values.into_iter();
        for level in 0..levels {
            let definition = if max_definition > 0 {
                definitions[level]
            } else {
                0
            };
            let value = if definition == max_definition {
                values.next()
            } else {
                None
            };
            f(value, !nested || repetitions[level] == 0);
        }
        Ok(())
    }

    fn texts(&mut self, count: usize) -> Result<Vec<Option<ByteArray>>> {
        let mut texts = Vec::with_capacity(count);
        self.records(count, |value, _| texts.push(value))?;
        if texts.len() != count {
            bail!("a column of texts holds lists");
        }
        Ok(texts)
    }

    /// Lists of texts; `None` for a list that is null or holds a null.
    fn lists(&mut self, count: usize) -> Result<Vec<Option<Vec<ByteArray>>>> {
        let mut lists: Vec<Option<Vec<ByteArray>>> = Vec::with_capacity(count);
        self.records(count, |value, begins| {
            if begins {
                lists.push(Some(Vec::new()));
            }
            match (value, lists.last_mut()) {
                (Some(value), Some(Some(list))) => list.push(value),
                (None, Some(list)) => *list = None, // also an empty list: it has no tokens, which is as good as none
                _ => {}
            }
        })?;
        if lists.len() != count {
            bail!("the column code holds no lists");
        }
        Ok(lists)
    }
}
