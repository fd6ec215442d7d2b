#!/usr/bin/env python3
"""Whether every dependency may be used under a licence that asks for no more than attribution.

    cargo metadata --format-version 1 | .ci/licenses.py
"""
import json
import re
import sys

ALLOWED = {
    "MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib",
    "Unicode-3.0", "CC0-1.0", "Unlicense", "0BSD",
}
# An SPDX expression: identifiers (with an exception, perhaps), AND, OR, brackets; "/" is an old way to write OR.
PART = re.compile(r"\s*([()]|/|[\w.+-]+(?:\s+WITH\s+[\w.+-]+)?)")


def allowed(expression):
    words = []
    for part in PART.findall(expression):
        operator = {"AND": "and", "OR": "or", "/": "or", "(": "(", ")": ")"}.get(part)
        words.append(operator or str(part in ALLOWED))
    return eval(" ".join(words))  # nothing but True, False, and, or, brackets


packages = json.load(sys.stdin)["packages"]
refused = [p for p in packages if not (p["license"] and allowed(p["license"]))]
for package in refused:
    print(f"{package['name']} {package['version']}: {package['license'] or 'no licence given'}", file=sys.stderr)
print(f"licences: {len(packages)} packages, {len(refused)} not on the list")
sys.exit(bool(refused))
