//! Printer: py150 tokens -> source text, with Black's spacing within a line.
//!
//! Line breaks come from `<EOL>`; there is no indentation, because the format has none. Lines without anonymised
//! literals lex back to the same tokens.

use std::borrow::Cow;

use super::{EOL, Kind, insertable, lex, surface_kind};

/// The source text of py150 tokens: `"<STR_LIT>"` becomes an empty string, `<NUM_LIT>` becomes `0`, special tokens
/// become nothing.
pub fn print(tokens: &[&str]) -> String {
    let pieces: Vec<Piece> = tokens.iter().filter_map(|token| Piece::of(token)).collect();
    let complex = complex_brackets(&pieces);
    let mut printer = Printer {
        pieces: &pieces,
        out: String::new(),
        brackets: vec![Bracket::default()],
        line: Line::default(),
        run: 0,
        starts: [0; 2],
    };
    for (index, complex) in complex.into_iter().enumerate() {
        printer.piece(index, complex);
    }
    printer.out
}

/// A token's text and its role in spacing.
struct Piece<'t> {
    text: Cow<'t, str>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A name, a literal, `None`, `True`, `False` or `...`: an operand.
    Operand,
    /// Any other keyword.
    Keyword,
    Operator,
    Eol,
}

impl<'t> Piece<'t> {
    fn of(token: &'t str) -> Option<Self> {
        if token == EOL {
            return Some(Self {
                text: Cow::Borrowed("\n"),
                role: Role::Eol,
            });
        }
        let kind = surface_kind(token);
        let text =
            insertable(token).or_else(|| (kind == Kind::Number).then_some(Cow::Borrowed("0")))?;
        let role = match (kind, token) {
            (Kind::Keyword, "None" | "True" | "False") | (Kind::Operator, "...") => Role::Operand,
            (Kind::Keyword, _) => Role::Keyword,
            (Kind::Operator, _) => Role::Operator,
            _ => Role::Operand,
        };
        Some(Self { text, role })
    }

    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn opens(&self) -> bool {
        matches!(&*self.text, "(" | "[" | "{")
    }

    fn closes(&self) -> bool {
        matches!(&*self.text, ")" | "]" | "}")
    }

    /// Whether an operand may end here: a following `-` is then binary, and a following bracket is a call or subscript.
    fn ends_operand(&self) -> bool {
        self.role == Role::Operand || self.closes()
    }
}

/// For each opening bracket: whether it contains anything besides names, literals, signs and colons. Black puts spaces
/// around the colons of such slices.
fn complex_brackets(pieces: &[Piece]) -> Vec<bool> {
    let mut complex = vec![false; pieces.len()];
    let mut open = Vec::new();
    let mut after_operand = false;
    for (index, piece) in pieces.iter().enumerate() {
        let trivial = match &*piece.text {
            ":" | "," | "=" => true,
            "+" | "-" | "~" | "(" | "[" | "{" => !after_operand,
            ")" | "]" | "}" => !open.pop().is_some_and(|index: usize| complex[index]),
            _ => matches!(piece.role, Role::Operand | Role::Eol),
        };
        if let Some(&outer) = open.last() {
            complex[outer] |= !trivial;
        }
        if piece.opens() {
            open.push(index);
        }
        after_operand = piece.ends_operand();
    }
    complex
}

/// An open bracket, or the line outside all brackets.
#[derive(Default)]
struct Bracket {
    /// Arguments, a display or a subscript, where `=` has no spaces; false for the line itself.
    inside: bool,
    /// A subscript: its colons are slices, spaced if it is complex.
    slice: Option<Slice>,
    /// Whether a colon has occurred since the last comma, as before an annotated parameter's default.
    annotated: bool,
    /// Number of `lambda`s whose colon has not occurred yet.
    lambdas: usize,
}

#[derive(Clone, Copy)]
struct Slice {
    complex: bool,
}

/// Spacing state of a line.
#[derive(Default)]
struct Line {
    /// The piece before this one on the line.
    previous: Option<usize>,
    /// Whether the previous piece is a prefix operator: a sign, a star before an argument, a decorator's `@`.
    unary: bool,
    /// Whether the previous piece is `**` between simple operands.
    hugging_power: bool,
    /// The slice, if the previous piece is its colon.
    slice: Option<Slice>,
    /// Between `from` and `import`.
    from: bool,
}

struct Printer<'p> {
    pieces: &'p [Piece<'p>],
    out: String,
    brackets: Vec<Bracket>,
    line: Line,
    /// Offset in `out` after the last space or line break.
    run: usize,
    /// Offsets in `out` of the last two pieces.
    starts: [usize; 2],
}

impl Printer<'_> {
    /// Prints the piece; `complex` if it opens a complex bracket.
    fn piece(&mut self, index: usize, complex: bool) {
        let piece = &self.pieces[index];
        let unary = self.is_unary(index);
        let hugging_power = piece.is("**") && !unary && self.is_simple_power(index);
        let spaced = !hugging_power && self.is_spaced(index);
        if piece.role != Role::Eol && (spaced || self.merges(&piece.text)) {
            self.out.push(' ');
            self.run = self.out.len();
        }
        self.starts = [self.starts[1], self.out.len()];
        self.out.push_str(&piece.text);

        let after_operand = self
            .line
            .previous
            .is_some_and(|previous| self.pieces[previous].ends_operand());
        let first = self.line.previous.is_none();
        let line = &mut self.line;
        (line.previous, line.unary, line.hugging_power, line.slice) =
            (Some(index), unary, hugging_power, None);
        let innermost = self.brackets.len() - 1;
        let bracket = &mut self.brackets[innermost];
        match &*piece.text {
            "\n" => {
                *line = Line::default();
                self.run = self.out.len();
            }
            "from" if first => line.from = true,
            "import" => line.from = false,
            "lambda" => bracket.lambdas += 1,
            "," => bracket.annotated = false,
            ":" if bracket.lambdas > 0 => bracket.lambdas -= 1,
            ":" => {
                line.slice = bracket.slice;
                bracket.annotated = true;
            }
            "(" | "[" | "{" => {
                let slice = (piece.is("[") && after_operand).then_some(Slice { complex });
                self.brackets.push(Bracket {
                    inside: true,
                    slice,
                    ..Bracket::default()
                });
            }
            ")" | "]" | "}" if innermost > 0 => {
                self.brackets.pop();
            }
            _ => {}
        }
    }

    /// Whether Black puts a space before the piece.
    fn is_spaced(&self, index: usize) -> bool {
        let piece = &self.pieces[index];
        let Some(previous) = self.line.previous.map(|previous| &self.pieces[previous]) else {
            return false;
        };
        let bracket = &self.brackets[self.brackets.len() - 1];
        match &*piece.text {
            "," | ";" => return false,
            ":" => {
                let slice = bracket.slice.filter(|_| bracket.lambdas == 0);
                return match &*previous.text {
                    "[" | ":" => false,
                    "," => slice.is_some(),
                    _ => slice.is_some_and(|slice| slice.complex),
                };
            }
            "=" => return Self::spaced_default(bracket),
            _ if piece.closes()
                || previous.opens()
                || self.line.unary
                || self.line.hugging_power =>
            {
                return false;
            }
            "." => return previous.role == Role::Keyword,
            "(" | "[" if previous.ends_operand() => return false,
            _ => {}
        }
        match &*previous.text {
            "." => piece.role == Role::Keyword,
            "..." if self.line.from => piece.role == Role::Keyword,
            ":" => self.line.slice.is_none_or(|slice| slice.complex),
            "=" => Self::spaced_default(bracket),
            _ => true,
        }
    }

    /// Whether `=` has spaces around it: not for a keyword argument or a default, unless the parameter is annotated.
    fn spaced_default(bracket: &Bracket) -> bool {
        bracket.lambdas == 0 && (!bracket.inside || bracket.annotated)
    }

    /// Whether the piece is a prefix operator.
    fn is_unary(&self, index: usize) -> bool {
        let before = match self.line.previous {
            // A line inside brackets continues the previous one.
            None if self.brackets.len() > 1 => self.pieces[..index]
                .iter()
                .rfind(|piece| piece.role != Role::Eol),
            previous => previous.map(|previous| &self.pieces[previous]),
        };
        match &*self.pieces[index].text {
            "~" => true,
            "+" | "-" | "*" | "**" | "@" => !before.is_some_and(Piece::ends_operand),
            _ => false,
        }
    }

    /// Whether both operands of the `**` at `index` are names, attributes of names or numbers.
    fn is_simple_power(&self, index: usize) -> bool {
        let is_word = |piece: Option<&Piece>| {
            piece.is_some_and(|piece| piece.role == Role::Operand && !piece.is("..."))
        };
        let is_dot = |piece: Option<&Piece>| piece.is_some_and(|piece| piece.is("."));
        let mut left = self.pieces[..index].iter().rev();
        let mut right = self.pieces[index + 1..].iter().peekable();
        if right.peek().is_some_and(|piece| piece.is("-")) {
            right.next();
        }
        let left_simple = loop {
            if !is_word(left.next()) {
                break false;
            }
            if !is_dot(left.next()) {
                break true;
            }
        };
        let right_simple = loop {
            if !is_word(right.next()) {
                break false;
            }
            let behind = right.next();
            if !is_dot(behind) {
                break !behind.is_some_and(|piece| piece.is("(") || piece.is("["));
            }
        };
        left_simple && right_simple
    }

    /// Whether the text would lex differently directly after the last two pieces: `1` and `.real`, three dots.
    fn merges(&self, text: &str) -> bool {
        let start = self.starts[0].max(self.run);
        let joined = [&self.out[start..], text].concat();
        let end = (joined.len() - text.len()) as u32;
        lex(&joined).last().is_some_and(|token| token.start != end)
    }
}
