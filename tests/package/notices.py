#!/usr/bin/env python3
"""The licences of everything that a release carries of others: crates, Rust's own library, and npm packages.

    cargo metadata --format-version 1 --locked --filter-platform TRIPLE | notices.py NODE_MODULES NPM_PACKAGE... > LICENSE-THIRD-PARTY

NPM_PACKAGE is what is bundled; what it depends on is found in NODE_MODULES. Of a choice of licences that includes MIT, MIT's text is given.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

TEXTS = re.compile(r"(licen[cs]e|copying|unlicense|notice)", re.IGNORECASE)


def texts(folder, licence):
    """The texts of a package's licences, less those that nobody needs to choose."""
    files = sorted(file for file in folder.iterdir() if TEXTS.match(file.name) and file.is_file())
    mit = [file for file in files if "mit" in file.name.lower()]
    if mit and re.search(r"\bOR\b|/", licence):
        files = mit + [file for file in files if file.name.lower().startswith("notice")]
    return [file.read_text(errors="replace").strip() for file in files]


def crates(metadata):
    """What the program is linked from: (name, version, licence, folder), without the workspace's own."""
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {
        node["id"]: [need["pkg"] for need in node["deps"] if any(kind["kind"] is None for kind in need["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }
    ours = set(metadata["workspace_members"])
    todo = [id for id in ours if packages[id]["name"] == "minicopilot"]
    seen = set(todo)
    while todo:
        new = set(needs[todo.pop()]) - seen
        seen |= new
        todo += new
    for package in sorted((packages[id] for id in seen - ours), key=lambda package: package["name"]):
        folder = Path(package["manifest_path"]).parent
        yield package["name"], package["version"], package["license"], folder


def standard_library():
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    yield "Rust's standard library", compiler, "MIT OR Apache-2.0", Path(root) / "share/doc/cargo"


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
    modules, *bundled = sys.argv[1:]
    by_text = {}
    everything = [*crates(json.load(sys.stdin)), *standard_library(), *npm_packages(Path(modules), bundled)]
    for name, version, licence, folder in everything:
        # Some say in their manifest alone what their licence is.
        for text in texts(folder, licence) or [f"({licence}; the package holds no text of it)"]:
            by_text.setdefault(" ".join(text.split()), (text, []))[1].append(f"{name} {version}")
    print("minicopilot carries these works of others, under the licences that follow them.")
    for text, names in by_text.values():
        print("\n" + "-" * 100 + "\n" + "\n".join(names) + "\n\n" + text)
    print(f"{len(everything)} packages, {len(by_text)} texts", file=sys.stderr)


main()
