//! Validation: whether `CPython` 3.11's `tokenize` accepts a file, and its first error.
//!
//! The lexer tokenises any text; this module walks its tokens and checks the text between them. `tokenize` is less
//! strict than the compiler: brackets only need to balance in number, not in kind. An f-string that contains its own
//! quotes, which 3.12 allows, is one string here.

use std::borrow::Cow;

use super::{Kind, Lexer, Token, decode::decode_strictly, string};

/// Why `tokenize` rejects a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenizeError {
    /// Its bytes are invalid in the declared encoding, or that encoding is unknown.
    #[error("text that is not valid in its declared encoding")]
    Encoding,
    /// A character that starts no token, or a backslash that does not end its line.
    #[error("a character that cannot start a token")]
    Character,
    /// A string that is unterminated at the end of its line, or of the file if it is triple-quoted.
    #[error("an unterminated string")]
    String,
    /// The file ends inside brackets, or closes more than it opens.
    #[error("an unclosed bracket")]
    Bracket,
    /// The file ends after a backslash that continues its line.
    #[error("an incomplete line")]
    Continuation,
    /// A dedent to a column that no enclosing block has.
    #[error("bad indentation")]
    Indentation,
}

/// The text of a source file, as [`decode`](super::decode()) returns it, if `tokenize` accepts the file.
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
    /// Number of open brackets of any kind.
    depth: i64,
    /// Columns of the enclosing blocks, outermost first.
    indents: Vec<usize>,
    /// At the start of a line that begins a statement.
    at_statement: bool,
    /// Whether the previous line ended in a backslash.
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
            // Combining marks are valid in names, but `tokenize` rejects them.
            Kind::Name if !text.chars().all(|c| c == '_' || c.is_alphanumeric()) => {
                return Err(TokenizeError::Character);
            }
            Kind::Name | Kind::Keyword | Kind::Number | Kind::Eol => {}
        }
        self.continued = false;
        self.position = token.end as usize;
        Ok(())
    }

    /// Checks the text up to the next token at `end`, or to the end of the text.
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
                // White space to Python's str.split; `tokenize` reports these characters as errors without text.
                '\x1c'..='\x1f' => {}
                _ if character.is_whitespace() => {}
                _ => return Err(TokenizeError::Character),
            }
        }
    }

    /// Skips blank lines and comments up to the first token of a statement, and checks its column.
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
                // The whole line, including text hidden by a carriage return.
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

    /// Starts a statement at this column: a deeper column opens a block; otherwise an enclosing block must start there.
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
