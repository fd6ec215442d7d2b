//! Writes Parquet files of rows.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A row: path, package, tokens; None is null.
pub type Row<'a> = (
    Option<&'a str>,
    Option<&'a str>,
    Option<Vec<Option<&'a [u8]>>>,
);

pub fn row<'a>(path: &'a str, package: &'a str, tokens: &'a str) -> Row<'a> {
    let tokens = tokens
        .split(' ')
        .map(|token| Some(token.as_bytes()))
        .collect();
    (Some(path), Some(package), Some(tokens))
}

/// Writes rows as pyarrow does: zstd, three levels of lists; here with one row group per two rows.
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
pub fn write_parquet(path: &Path, rows: &[Row]) {
    let schema = "message schema {
        optional int32 id; optional binary path (UTF8); optional binary package (UTF8);
        optional group code (LIST) { repeated group list { optional binary element (UTF8); } } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(zstd).build());
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    for rows in rows.chunks(2) {
        let mut group = writer.next_row_group().unwrap();
        let texts = |texts: Vec<Option<&str>>| {
            let values = texts
                .iter()
                .flatten()
                .map(|&text| ByteArray::from(text))
                .collect::<Vec<_>>();
            (
                values,
                texts
                    .iter()
                    .map(|text| i16::from(text.is_some()))
                    .collect::<Vec<_>>(),
                None,
            )
        };
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        for (_, _, code) in rows {
            let code = code.as_deref();
            let levels = match code {
                None => vec![0],
                Some([]) => vec![1],
                Some(tokens) => tokens
                    .iter()
                    .map(|token| if token.is_some() { 3 } else { 2 })
                    .collect(),
            };
            repetition.extend((0..levels.len()).map(|i| i16::from(i > 0)));
            definition.extend(levels);
            values.extend(
                code.unwrap_or_default()
                    .iter()
                    .flatten()
                    .map(|&token| ByteArray::from(token.to_vec())),
            );
        }
        let mut columns = vec![
            texts(rows.iter().map(|row| row.0).collect()),
            texts(rows.iter().map(|row| row.1).collect()),
            (values, definition, Some(repetition)),
        ]
        .into_iter();
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::Int32ColumnWriter(ids) => {
                    let values: Vec<i32> = (0..rows.len() as i32).collect();
                    ids.write_batch(&values, Some(&vec![1; rows.len()]), None)
                        .unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(texts) => {
                    let (values, definition, repetition) = columns.next().unwrap();
                    texts
                        .write_batch(&values, Some(&definition), repetition.as_deref())
                        .unwrap();
                }
                _ => unreachable!("the schema has no other types"),
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}
