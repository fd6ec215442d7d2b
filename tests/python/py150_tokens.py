"""CPython's own tokens of a Python file in the CodeXGLUE py150 format: the reference of the project's lexer.

Needs CPython 3.9 to 3.11: later ones split f-strings, earlier ones have fewer operators.
"""

import io
import json
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LITERALS = json.loads((ROOT / "src/python/literals.json").read_text(encoding="utf-8"))
STRINGS, NUMBERS = frozenset(LITERALS["str"]), frozenset(LITERALS["num"])

QUOTED = re.compile(r"""([A-Za-z]*)('''|\"\"\"|'|\")(.*)\2""", re.DOTALL)
LINE_ENDS = (tokenize.NEWLINE, tokenize.NL)
WITHOUT_TOKEN = (tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)


def tokens_of(source):
    """The py150 tokens of a file's bytes, or None if CPython's tokenize rejects them."""
    tokens = ["<s>"]
    try:
        for kind, text, *_ in tokenize.tokenize(io.BytesIO(source).readline):
            if kind in LINE_ENDS:
                if tokens[-1] not in ("<s>", "<EOL>"):
                    tokens.append("<EOL>")
                continue
            text = " ".join(text.split())  # white space inside a token is one space
            if not text or kind in WITHOUT_TOKEN:
                continue
            if kind == tokenize.ERRORTOKEN:
                return None
            tokens.append(spelling(kind, text))
    except (tokenize.TokenError, SyntaxError, ValueError, LookupError):
        return None
    if tokens[-1] == "<EOL>":
        tokens.pop()
    return [*tokens, "</s>"]


def spelling(kind, text):
    """A token's text, its literal anonymised unless it is a frequent one."""
    if kind == tokenize.NUMBER:
        return f"<NUM_LIT:{text}>" if text in NUMBERS else "<NUM_LIT>"
    if kind != tokenize.STRING:
        return text
    prefix, quotes, content = QUOTED.fullmatch(text).groups()
    content = content.replace(" ", "U+0020").replace(",", "U+002C")
    literal = f"<STR_LIT:{content}>" if content in STRINGS else "<STR_LIT>"
    return prefix + quotes + literal + quotes
