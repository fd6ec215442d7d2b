"""Keystroke latency of this server and others, at the same positions, one server after another.

    python3 tests/python/compare_servers.py MINICOPILOT FOLDER [--sample N] [--write docs/performance.md] [--plot FILE.svg]

Installs the other servers from PyPI into ~/.cache/minicopilot-tests/servers and types into each with `minicopilot
evaluate latency`. With --write, the table replaces the text between the two `servers` comments of a Markdown file;
--plot draws it.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import venv

# The packages to install, and the command that serves on standard input and output.
SERVERS = {
    "zuban": "zuban server",
    "pyrefly": "pyrefly lsp",
    "ty": "ty server",
    "basedpyright": "basedpyright-langserver --stdio",
    "jedi-language-server": "jedi-language-server",
}
MARKS = "<!-- servers -->", "<!-- /servers -->"


def install(folder: pathlib.Path) -> pathlib.Path:
    """The folder with the servers' programs."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not all((programs / command.split()[0]).exists() for command in SERVERS.values()):
        venv.create(folder, with_pip=True)
        subprocess.run([programs / "pip", "install", "--quiet", *SERVERS], check=True)
    return programs


def measure(program: str, folder: str, sample: int, command: str | None) -> dict:
    call = [program, "evaluate", "latency", folder, "--json", "--sample", str(sample)]
    if command:
        call += ["--server", command]
    # Discard the logs of other servers.
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command or program}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def row(name: str, speed: dict) -> str:
    def times(key: str, *percentiles: str) -> str:
        figures = speed[key] or {}
        return " / ".join(f"{figures.get(p + '_ms', float('nan')):.3g}" for p in percentiles)

    now, most = speed["memory_mb"] or (float("nan"),) * 2
    cells = [
        name,
        times("letter", "p50", "p95", "p99"),
        times("new_token", "p50", "p95", "p99"),
        times("opening", "p50", "max"),
        f"{speed['cpu_seconds'] or float('nan'):.2g}",
        f"{now:.0f} ({most:.0f})",
    ]
    return "| " + " | ".join(cells) + " |"


def plot(speeds: list[tuple[str, dict]]) -> str:
    """One line per server, p50 to p99 on a logarithmic axis, with ticks at p50, p95 and p99."""
    left, width, height, first, decades = 190, 740, 46 + 34 * len(speeds), 0.1, 4

    def x(ms: float) -> float:
        return left + (width - left - 40) * min(max(math.log10(ms / first) / decades, 0), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        "<title>Milliseconds from a key to its list</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for decade in range(decades + 1):
        ms = first * 10**decade
        parts.append(f'<line x1="{x(ms):.1f}" x2="{x(ms):.1f}" y1="10" y2="{height - 26}" stroke="#ddd"/>')
        parts.append(f'<text x="{x(ms):.1f}" y="{height - 8}" text-anchor="middle" fill="#555">{ms:g} ms</text>')
    for place, (name, speed) in enumerate(speeds):
        y = 30 + 34 * place
        parts.append(f'<text x="{left - 12}" y="{y + 5}" text-anchor="end" fill="#111">{name}</text>')
        for key, offset, colour in ("letter", -5, "#1668b8"), ("new_token", 5, "#d2691e"):
            times = [speed[key][p + "_ms"] for p in ("p50", "p95", "p99")] if speed[key] else []
            if times:
                parts.append(
                    f'<line x1="{x(times[0]):.1f}" x2="{x(times[2]):.1f}" y1="{y + offset}" y2="{y + offset}" stroke="{colour}" stroke-width="3"/>'
                )
            for ms, radius in zip(times, (5, 3, 3)):
                parts.append(f'<circle cx="{x(ms):.1f}" cy="{y + offset}" r="{radius}" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", metavar="MINICOPILOT")
    arguments.add_argument("folder", metavar="FOLDER", help="Python files that were not used for training")
    arguments.add_argument("--sample", type=int, default=500, help="tokens to type into each server")
    arguments.add_argument("--write", type=pathlib.Path, metavar="MARKDOWN")
    arguments.add_argument("--plot", type=pathlib.Path, metavar="SVG")
    arguments = arguments.parse_args()
    programs = install(pathlib.Path.home() / ".cache/minicopilot-tests/servers")
    lines = [
        "| server | letter, p50 / p95 / p99 ms | new token, p50 / p95 / p99 ms | opening, p50 / max ms | CPU time, s per 1,000 keys | memory (peak), MB |",
        "|---|---|---|---|---|---|",
    ]
    machine = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        lines_of_cpu = open("/proc/cpuinfo").read().splitlines()
        machine = next((line.split(":")[1].strip() for line in lines_of_cpu if line.startswith("model name")), machine)
    keys, speeds = 0, []
    for name, command in {"minicopilot": None, **SERVERS}.items():
        speed = measure(arguments.program, arguments.folder, arguments.sample, command and f"{programs}/{command}")
        keys = speed["keys"]
        speeds.append((speed["server"] or name, speed))
        lines.append(row(*speeds[-1]))
        print(lines[-1], file=sys.stderr, flush=True)
    lines += ["", f"{keys} keys each, {machine}, {os.cpu_count()} cores, {datetime.date.today()}."]
    table = "\n".join(lines)
    if arguments.plot:
        arguments.plot.write_text(plot(speeds))
    if arguments.write:
        text = arguments.write.read_text()
        before, rest = text.split(MARKS[0])
        _, after = rest.split(MARKS[1])
        arguments.write.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}")
    else:
        print(table)


if __name__ == "__main__":
    main()
