#!/usr/bin/env python3
"""Collects the licences of third-party code in a release: crates, Rust's standard library, and npm packages.

    notices.py TRIPLE NODE_MODULES NPM_PACKAGE... > LICENSE-THIRD-PARTY

NPM_PACKAGE is the bundled package; its dependencies are in NODE_MODULES. If a package offers the Apache licence or another, the
other is used.
"""
import html
import json
import re
import subprocess
import sys
from pathlib import Path

TEXTS = re.compile(r"(licen[cs]e|copying|unlicense|notice)", re.IGNORECASE)


def texts(folder):
    """The texts of a package's licences, without Apache's if there is an alternative."""
    files = sorted(file for file in folder.iterdir() if TEXTS.match(file.name) and file.is_file())
    others = [file for file in files if "apache" not in file.name.lower()]
    return [file.read_text(errors="replace").strip() for file in others or files]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], capture_output=True, text=True, check=True).stdout


def crates(target):
    """The crates that are linked into the program: (name, version, licence, folder), without the workspace's own."""
    metadata = json.loads(cargo("metadata", "--format-version=1"))
    # The program's own dependency tree: cargo metadata has the features of the whole workspace.
    tree = cargo("tree", "--package=minicopilot", "--edges=normal", f"--target={target}", "--prefix=none", "--format={p}")
    linked = {tuple(line.split()[:2]) for line in tree.splitlines()}
    for package in sorted(metadata["packages"], key=lambda package: package["name"]):
        name, version, licence = package["name"], package["version"], package["license"]
        if (name, f"v{version}") in linked and package["id"] not in metadata["workspace_members"]:
            yield name, version, licence, Path(package["manifest_path"]).parent


def standard_library():
    """rustc's notices of the standard library and its dependencies, without markup."""
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    page = Path(root) / "share/doc/rust/COPYRIGHT-library.html"
    if not page.is_file():
        return "(MIT OR Apache-2.0; the compiler that built this came without the text)"
    text = re.sub(r"<(style|script).*?</\1>", "", page.read_text(), flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\n\s*\n+", "\n\n", text).strip()


def npm_packages(modules, todo):
    seen = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        package = json.loads((modules / name / "package.json").read_text())
        todo += package.get("dependencies", {})
        yield name, package["version"], package["license"], modules / name


def main():
    target, modules, *bundled = sys.argv[1:]
    by_text = {}
    everything = [*crates(target), *npm_packages(Path(modules), bundled)]
    for name, version, licence, folder in everything:
        # Some packages only state their licence in the manifest.
        for text in texts(folder) or [f"({licence}; the package does not contain its text)"]:
            by_text.setdefault(" ".join(text.split()), (text, []))[1].append(f"{name} {version}")
    print("minicopilot contains the following third-party software. Its licences follow the names.")
    by_text[""] = (standard_library(), ["Rust's standard library"])
    for text, names in by_text.values():
        print("\n" + "-" * 100 + "\n" + "\n".join(names) + "\n\n" + text)
    print(f"{len(everything)} packages, {len(by_text)} texts", file=sys.stderr)


main()
