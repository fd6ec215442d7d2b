//! Where blocks begin and end, by indentation: `CPython`'s INDENT and DEDENT tokens, which the py150 format drops.

use super::{Kind, Token, column};

/// The token before the first token of a block.
pub const INDENT: &str = "<INDENT>";
/// The token after the last token of a block.
pub const DEDENT: &str = "<DEDENT>";

/// Follows a text's tokens from the first, and says where its blocks begin and end.
#[derive(Debug)]
pub struct Blocks {
    /// Columns of the open blocks, outermost first.
    columns: Vec<u16>,
    /// Open brackets.
    brackets: usize,
    /// Whether the next token is the first of its line.
    begins_line: bool,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            brackets: 0,
            begins_line: true,
        }
    }
}

impl Blocks {
    /// The [`DEDENT`]s and the [`INDENT`] before the next token of `text`. Indentation to a column between two open blocks, which
    /// `CPython` rejects, ends the inner one and begins another.
    pub fn before(
        &mut self,
        text: &str,
        token: Token,
    ) -> impl Iterator<Item = &'static str> + use<> {
        let (mut ended, mut begins) = (0, false);
        if token.kind == Kind::Eol {
            self.begins_line = true;
        } else {
            // Inside brackets and after a backslash, a line continues the statement.
            if std::mem::take(&mut self.begins_line)
                && self.brackets == 0
                && let Some(column) = column(text, token)
            {
                let open = self.columns.len();
                self.columns.retain(|&outer| outer <= column);
                ended = open - self.columns.len();
                begins = column > self.columns.last().copied().unwrap_or(0);
                if begins {
                    self.columns.push(column);
                }
            }
            if token.kind == Kind::Operator {
                match token.text(text) {
                    "(" | "[" | "{" => self.brackets += 1,
                    ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
                    _ => {}
                }
            }
        }
        marks(ended, begins)
    }

    /// The [`DEDENT`]s after the last token.
    pub fn at_end(self) -> impl Iterator<Item = &'static str> {
        marks(self.columns.len(), false)
    }
}

fn marks(ended: usize, begins: bool) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::repeat_n(DEDENT, ended).chain(begins.then_some(INDENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::{lex, surface};

    fn with_blocks(text: &str) -> String {
        let (mut blocks, mut all, mut spelled) = (Blocks::default(), Vec::new(), String::new());
        for token in lex(text) {
            all.extend(blocks.before(text, token).map(str::to_owned));
            surface(text, token, &mut spelled);
            all.push(spelled.clone());
        }
        all.extend(blocks.at_end().map(str::to_owned));
        all.join(" ")
    }

    #[test]
    fn blocks_end_before_the_next_statement_and_at_the_end() {
        let text =
            "if a:\n    b\n\n  # c\n\tfor d in (e,\nf):\n\t\t g \\\nh\nelse: i\nclass J:\n  k";
        assert_eq!(
            with_blocks(text),
            "if a : <EOL> <INDENT> b <EOL> <INDENT> for d in ( e , <EOL> f ) : <EOL> <INDENT> g h <EOL> \
             <DEDENT> <DEDENT> <DEDENT> else : i <EOL> class J : <EOL> <INDENT> k <DEDENT>"
        );
    }

    #[test]
    fn indentation_that_fits_no_block_begins_one() {
        assert_eq!(
            with_blocks("if a:\n    b\n  c"),
            "if a : <EOL> <INDENT> b <EOL> <DEDENT> <INDENT> c <DEDENT>"
        );
    }
}
