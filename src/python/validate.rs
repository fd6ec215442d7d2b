//! Whether `CPython` 3.11's `tokenize` would accept a file, and what it would find wrong.
//!
//! The lexer gives the best tokens of any text; this walks along its tokens and looks at what it passes over in silence.
//! `tokenize` asks less than the compiler: brackets need not be of one kind, only as many closed as opened.
//! An f-string that holds its own quotes, as 3.12 allows, counts as one whole string here.

use std::borrow::Cow;

use super::{Kind, Lexer, Token, decode::decode_strictly, string};

/// Why `tokenize` refuses a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenizeError {
    /// Its bytes are not text in the encoding it declares, or nobody knows that encoding.
    #[error("not text in the encoding it declares")]
    Encoding,
    /// A character that begins no token, or a backslash that does not end its line.
    #[error("a character that begins no token")]
    Character,
    /// A string that ends with its line, or with the file if it has three quotes.
    #[error("an unfinished string")]
    String,
    /// The file ends before its brackets are closed, or closes more than it opens.
    #[error("an unfinished bracket")]
    Bracket,
    /// The file ends after a backslash that continues its line.
    #[error("an unfinished line")]
    Continuation,
    /// A line goes back to an indentation that no line before it has.
    #[error("bad indentation")]
    Indentation,
}

/// The text of a source file, as [`decode`](super::decode()) gives it, if `tokenize` accepts the file.
pub fn validate(bytes: &[u8]) -> Result<Cow<'_, str>, TokenizeError> {
    let text = decode_strictly(bytes).ok_or(TokenizeError::Encoding)?;
    Walk {
        text: &text,
        position: 0,
        depth: 0,
        indents: vec![0],
        at_statement: true,
        continued: false,
    }
    .run()?;
    Ok(text)
}

struct Walk<'t> {
    text: &'t str,
    position: usize,
    /// Brackets opened less brackets closed, of any kind.
    depth: i64,
    /// Columns of the blocks around this line, the outermost first.
    indents: Vec<usize>,
    /// At the start of a line that begins a statement.
    at_statement: bool,
    /// The line before ended in a backslash.
    continued: bool,
}

impl Walk<'_> {
    fn run(mut self) -> Result<(), TokenizeError> {
        for token in Lexer::new(self.text).filter(|token| token.kind != Kind::Eol) {
            self.gap(token.start as usize)?;
            self.token(token)?;
        }
        self.gap(self.text.len())?;
        if self.continued {
            return Err(TokenizeError::Continuation);
        }
        if self.depth != 0 {
            return Err(TokenizeError::Bracket);
        }
        Ok(())
    }

    fn token(&mut self, token: Token) -> Result<(), TokenizeError> {
        let text = token.text(self.text);
        match token.kind {
            Kind::String => {
                let open = text.find(['"', '\'']).unwrap_or_default();
                let (prefix, start) = (&text.as_bytes()[..open], token.start as usize + open);
                if !string::end(self.text.as_bytes(), prefix, start).closed {
                    return Err(TokenizeError::String);
                }
            }
            Kind::Operator => match text {
                "(" | "[" | "{" => self.depth += 1,
                ")" | "]" | "}" => self.depth -= 1,
                "!" | "$" | "?" | "`" => return Err(TokenizeError::Character),
                _ if !text.is_ascii() => return Err(TokenizeError::Character),
                _ => {}
            },
            // Combining marks belong to names, but `tokenize` does not know it.
            Kind::Name if !text.chars().all(|c| c == '_' || c.is_alphanumeric()) => {
                return Err(TokenizeError::Character);
            }
            Kind::Name | Kind::Keyword | Kind::Number | Kind::Eol => {}
        }
        self.continued = false;
        self.position = token.end as usize;
        Ok(())
    }

    /// Goes on to the next token at `end`, or to the end of the text.
    fn gap(&mut self, end: usize) -> Result<(), TokenizeError> {
        loop {
            if self.at_statement {
                self.indentation()?;
            }
            let Some(character) = self.text[self.position..end.max(self.position)]
                .chars()
                .next()
            else {
                return Ok(());
            };
            self.continued = false;
            self.position += character.len_utf8();
            let rest = &self.text[self.position..];
            match character {
                '\n' => self.at_statement = self.depth == 0,
                '#' => self.position += rest.find(['\r', '\n']).unwrap_or(rest.len()),
                '\\' => {
                    let line_end = ["\n", "\r\n"].into_iter().find(|e| rest.starts_with(e));
                    self.position += line_end.ok_or(TokenizeError::Character)?.len();
                    self.continued = true;
                }
                // What Python's str.split takes for white space; `tokenize` gives it as errors without text.
                '\x1c'..='\x1f' => {}
                _ if character.is_whitespace() => {}
                _ => return Err(TokenizeError::Character),
            }
        }
    }

    /// Passes over blank lines and comments, up to the first thing on the line of a statement, and looks at its column.
    fn indentation(&mut self) -> Result<(), TokenizeError> {
        let bytes = self.text.as_bytes();
        loop {
            let mut column = 0;
            while let Some(byte) = bytes.get(self.position) {
                column = match byte {
                    b' ' => column + 1,
                    b'\t' => (column / 8 + 1) * 8,
                    b'\x0c' => 0,
                    _ => break,
                };
                self.position += 1;
            }
            let rest = &self.text[self.position..];
            match rest.as_bytes().first() {
                None => return Ok(()),
                // The whole line, whatever a carriage return in it hides.
                Some(b'#' | b'\r' | b'\n') => {
                    self.position += rest.find('\n').map_or(rest.len(), |length| length + 1);
                }
                Some(_) => {
                    self.at_statement = false;
                    return self.indent(column);
                }
            }
        }
    }

    /// A statement begins at this column: deeper than the last opens a block, else some block must begin there.
    fn indent(&mut self, column: usize) -> Result<(), TokenizeError> {
        if self.indents.last().is_some_and(|&last| column > last) {
            self.indents.push(column);
        }
        self.indents.retain(|&outer| outer <= column);
        if self.indents.last() == Some(&column) {
            Ok(())
        } else {
            Err(TokenizeError::Indentation)
        }
    }
}
