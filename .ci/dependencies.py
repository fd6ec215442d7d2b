#!/usr/bin/env python3
"""Whether files depend on each other in circles, and folders only on those in the rows below them in ARCHITECTURE.md.

    .ci/dependencies.py

A file depends on the file that defines an item it names by a path (in a `use` or inline). Re-exports are followed to the
definition, and a `mod` or `pub use` line by itself is no dependency. Test modules and files named `tests` are left out.
Prints every circle and every forbidden dependency with the names that cause it, and exits with 1 if there is any.
"""
import re
import sys
from pathlib import Path

ROOTS = ["src", "trainer/src"]
# Where the description of a row of a map in ARCHITECTURE.md starts.
DESCRIPTION = 40

ITEM = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+\"C\"\s+)*"
                  r"(?:struct|enum|union|trait|fn|const|static|type|macro_rules!)\s+(?:mut\s+)?([A-Za-z_]\w*)", re.M)
PATH = re.compile(r"(?<![\w:$])((?:crate|self|super)(?:::(?:super|[A-Za-z_]\w*))+|[a-z_]\w*(?:::[A-Za-z_]\w*)+)")


def without_tests(text):
    """The text without comments, strings and `#[cfg(test)]` items."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'r#*"(?:[^"]|"(?!#))*"#*|"(?:\\.|[^"\\])*"', '""', text, flags=re.S)
    while match := re.search(r"#\[cfg\((?:all\()?test\b[^\]]*\]", text):
        at = re.compile(r"[;{]").search(text, match.end())
        end = at.end()
        if at.group() == "{":
            depth = 1
            while depth and end < len(text):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
        text = text[:match.start()] + text[end:]
    return text


def uses(text):
    """The paths that `use` declarations name, groups spelled out: (path, alias, is_public)."""
    for public, tree in re.findall(r"^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", text, re.M):
        yield from ((path, alias, bool(public)) for path, alias in spelled("", re.sub(r"\s+", " ", tree)))


def spelled(prefix, tree):
    tree = tree.strip()
    if "{" in tree:
        head, rest = tree.split("{", 1)
        part, depth = "", 0
        for c in rest[:rest.rindex("}")] + ",":
            depth += {"{": 1, "}": -1}.get(c, 0)
            if c == "," and not depth:
                if part.strip():
                    yield from spelled(prefix + head.strip(), part)
                part = ""
            else:
                part += c
    else:
        path, _, alias = (prefix + tree).partition(" as ")
        path = path.strip().removesuffix("::self")
        yield path, alias.strip() or path.rsplit("::", 1)[-1]


def rows(root):
    """The rows of a crate's map in ARCHITECTURE.md, top to bottom: folders, and files beside lib.rs. A row may use those below."""
    title = f"## The map of `{root.removesuffix('/src')}`"
    drawn = Path("ARCHITECTURE.md").read_text().split(title)[1].split("```")[1]
    return [line[:DESCRIPTION].split() for line in drawn.splitlines() if line.strip()]


class Crate:
    def __init__(self, root):
        self.root = Path(root)
        self.files = {}
        for path in sorted(self.root.rglob("*.rs")):
            parts = path.relative_to(self.root).with_suffix("").parts
            if "tests" in parts or parts == ("main",):
                continue
            name = tuple(p for p in parts if p not in ("mod", "lib"))
            self.files[name] = path
        self.text = {name: without_tests(path.read_text()) for name, path in self.files.items()}
        self.items = {name: set(ITEM.findall(text)) for name, text in self.text.items()}
        self.imports = {}
        for name, text in self.text.items():
            self.imports[name] = {alias: path for path, alias, _ in uses(text)}

    def is_ours(self, module, path):
        """Whether a path begins in this crate."""
        first = path.split("::")[0]
        return first in ("crate", "self", "super") or module + (first,) in self.files

    def resolve(self, module, path, seen=()):
        """The file that defines what `path` names in `module`, if it is one of the crate's."""
        if (module, path) in seen:
            return None
        seen = (*seen, (module, path))
        parts = path.split("::")
        at = list(module)
        if parts[0] == "crate":
            at, parts = [], parts[1:]
        elif parts[0] == "self":
            parts = parts[1:]
        while parts and parts[0] == "super":
            at, parts = at[:-1], parts[1:]
        at = tuple(at)
        while parts:
            head = parts[0]
            if at + (head,) in self.files:
                at, parts = at + (head,), parts[1:]
                continue
            if head in self.items.get(at, ()):
                return at, head
            if head in self.imports.get(at, {}) and self.is_ours(at, self.imports[at][head]):
                return self.resolve(at, "::".join([self.imports[at][head], *parts[1:]]), seen)
            for alias, glob in self.imports.get(at, {}).items():
                if alias == "*" and self.is_ours(at, glob):
                    found = self.resolve(at, "::".join([glob.removesuffix("::*"), *parts]), seen)
                    if found:
                        return found
            return None
        return None  # a module, not an item

    def edges(self):
        for name, text in self.text.items():
            body = re.sub(r"^\s*pub(?:\([^)]*\))?\s+use\s+[^;]+;", "", text, flags=re.M)
            own = re.sub(r"^\s*use\s+[^;]+;", "", body, flags=re.M)
            paths = {path for path, _, public in uses(text) if not public} | set(PATH.findall(own))
            for path in sorted(paths):
                found = self.resolve(name, path)
                if found and found[0] != name:
                    yield name, found[0], found[1]


def circles(graph):
    """Tarjan's strongly connected components of more than one node."""
    index, low, stack, on, out = {}, {}, [], set(), []
    sys.setrecursionlimit(10_000)

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        on.add(v)
        for w in graph.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            component = []
            while True:
                w = stack.pop()
                on.discard(w)
                component.append(w)
                if w == v:
                    break
            if len(component) > 1:
                out.append(sorted(component))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return out


def main():
    is_wrong = False
    for root in ROOTS:
        crate = Crate(root)
        row_of = {folder: row for row, folders in enumerate(rows(root)) for folder in folders}
        graph, ties = {}, {}
        for a, b, item in crate.edges():
            graph.setdefault(a, set()).add(b)
            ties.setdefault((a, b), []).append(item)
        for component in circles(graph):
            is_wrong = True
            print(f"{root}: a dependency cycle of {len(component)} files", file=sys.stderr)
            for a in component:
                for b in sorted(graph[a] & set(component)):
                    print(f"  {crate.files[a]} -> {crate.files[b]}: {', '.join(ties[a, b])}", file=sys.stderr)
        for (a, b), items in sorted(ties.items()):
            if a[:1] == b[:1] or not a or not b:
                continue
            if not {a[0], b[0]} <= row_of.keys() or row_of[a[0]] >= row_of[b[0]]:
                is_wrong = True
                print(f"{crate.files[a]} must not use {crate.files[b]} ({', '.join(items)}): see ARCHITECTURE.md", file=sys.stderr)
        print(f"{root}: {len(crate.files)} files, {len(ties)} dependencies between them")
    return int(is_wrong)


sys.exit(main())
