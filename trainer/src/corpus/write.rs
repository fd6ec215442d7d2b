//! Writes the kept files to Parquet: the CodeXGLUE schema with an additional column `package`, as `trainer prepare`
//! reads it.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// Rows per row group: about 17 million tokens.
const ROWS: usize = 10_000;
const ZSTD_LEVEL: i32 = 9;
const SCHEMA: &str = "message schema {
    required int32 id; required binary path (UTF8); required binary package (UTF8);
    required group code (LIST) { repeated group list { required binary element (UTF8); } } }";

/// A row.
pub struct Row<'a> {
    pub path: &'a str,
    pub package: &'a str,
    /// Indices into the word list.
    pub tokens: &'a [u32],
}

/// Writes the rows, numbered from 0, to a `.part` file and renames it.
pub fn write(path: &Path, rows: &[Row], words: &[String]) -> Result<()> {
    let words: Vec<ByteArray> = words.iter().map(|word| word.as_str().into()).collect();
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let writing = || -> Result<()> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
        let properties = Arc::new(WriterProperties::builder().set_compression(zstd).build());
        let out = File::create(&part)?;
        let mut writer = SerializedFileWriter::new(out.try_clone()?, schema, properties)?;
        for (number, rows) in rows.chunks(ROWS).enumerate() {
            let mut group = writer.next_row_group()?;
            write_group(&mut group, (number * ROWS) as i32, rows, &words)?;
            group.close()?;
        }
        writer.close()?;
        out.sync_all()?;
        Ok(fs::rename(&part, path)?)
    };
    writing().with_context(|| format!("{}: cannot be written; free up space there", path.display()))
}

fn write_group(
    group: &mut SerializedRowGroupWriter<File>,
    first: i32,
    rows: &[Row],
    words: &[ByteArray],
) -> Result<()> {
    let mut place = 0;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::Int32ColumnWriter(ids) => {
                let numbers: Vec<i32> = (first..).take(rows.len()).collect();
                ids.write_batch(&numbers, None, None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(texts) if place < 3 => {
                let text =
                    |row: &Row| ByteArray::from(if place == 1 { row.path } else { row.package });
                let values: Vec<ByteArray> = rows.iter().map(text).collect();
                texts.write_batch(&values, None, None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(texts) => {
                for row in rows {
                    let tokens = row.tokens.iter();
                    let values: Vec<ByteArray> =
                        tokens.map(|&token| words[token as usize].clone()).collect();
                    // No list is empty, so every token has definition level 1 and the first token of a row has
                    // repetition level 0.
                    let definition = vec![1; values.len()];
                    let mut repetition = vec![1; values.len()];
                    repetition[0] = 0;
                    texts.write_batch(&values, Some(&definition), Some(&repetition))?;
                }
            }
            _ => {}
        }
        column.close()?;
        place += 1;
    }
    Ok(())
}
