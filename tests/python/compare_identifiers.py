"""Top-5 accuracy of identifiers, for this server and others, at the same positions, one server after another.

    python3 tests/python/compare_identifiers.py MINICOPILOT PROJECT... [--sample N] [--seeds 1 2 3]
        [--environment VENV] [--keep FOLDER] [--write docs/answers.md]

Each PROJECT is a folder of Python files. `minicopilot evaluate identifiers` requests the same identifiers from every
server: first with each file as the only buffer, then with the rest of the project on disk. The second run skips
identifiers whose next 20 tokens also occur in another file of the project. The other servers are installed from PyPI into
~/.cache/minicopilot-tests/servers. With the project, all servers see the packages of the virtual environment VENV, which
must not contain the projects themselves. A run takes minutes, all of them hours; runs kept in FOLDER are not repeated.
With --write, the table replaces the text between the two `identifiers` comments of a Markdown file.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys

from compare_servers import SERVERS, install

MARKS = "<!-- identifiers -->", "<!-- /identifiers -->"


def measure(program: str, projects: list[str], options: list[str], environment: pathlib.Path | None) -> dict:
    call = [program, "evaluate", "identifiers", *projects, "--json", *options]
    variables = dict(os.environ)
    if environment:
        variables |= {"VIRTUAL_ENV": str(environment), "PATH": f"{environment}/bin{os.pathsep}{os.environ['PATH']}"}
    # Discard the logs of other servers.
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise SystemExit(f"{' '.join(options)}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def fingerprint(program: str) -> str:
    return hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()


def cells(runs: list[dict]) -> list[str]:
    """Means over the seeds, weighted by identifiers, with minimum and maximum."""

    def cell(key: str, count: str = "identifiers") -> str:
        values = [run[key] for run in runs]
        mean = sum(run[key] * run[count] for run in runs) / max(1, sum(run[count] for run in runs))
        return f"{mean:.3f} ({min(values):.3f} – {max(values):.3f})"

    saved = [run["keystrokes_saved"] for run in runs]
    mean = 1 - sum(run["keys"] for run in runs) / sum(run["characters"] for run in runs)
    keys = f"{mean:.3f} ({min(saved):.3f} – {max(saved):.3f})"
    return [cell("hit1"), cell("hit5"), cell("attribute_hit5", "attributes"), keys]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", metavar="MINICOPILOT")
    arguments.add_argument("projects", metavar="PROJECT", nargs="+", help="folders of Python files that were not used for training")
    arguments.add_argument("--sample", type=int, default=250, help="identifiers per seed")
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--environment", type=pathlib.Path, metavar="VENV", help="where the projects' dependencies are installed")
    arguments.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="store the figures of each run here, and reuse those already stored")
    arguments.add_argument("--write", type=pathlib.Path, metavar="MARKDOWN")
    arguments = arguments.parse_args()
    venv = arguments.environment and arguments.environment.resolve()
    if venv and not (venv / "pyvenv.cfg").exists():
        raise SystemExit(f"--environment {venv}: not a virtual environment (python3 -m venv creates one)")
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    programs = install(pathlib.Path.home() / ".cache/minicopilot-tests/servers")
    lines = []
    for mode, key, title in ([], "lone buffer", "buffer only"), (["--project"], "project", "with workspace"):
        lines += [
            f"| {title} | top-1 | top-5 | attributes, top-5 | keystrokes saved |",
            "|---|---|---|---|---|",
        ]
        for name, command in {"minicopilot": None, **SERVERS}.items():
            server = ["--server", f"{programs}/{command}"] if command else []
            seen = venv if mode else None
            if seen and not server:
                server = ["--environment", str(seen)]
            runs = []
            for seed in arguments.seeds:
                options = ["--sample", str(arguments.sample), "--seed", str(seed), *mode, *server]
                kept = arguments.keep and arguments.keep / f"{key}-{name}-{seed}.json".replace(" ", "-")
                # Another server's figures do not depend on ours.
                asked = [*arguments.projects, *options, str(seen), "" if command else fingerprint(arguments.program)]
                if kept and kept.exists() and (before := json.loads(kept.read_text()))["asked"] == asked:
                    runs.append(before["figures"])
                    continue
                runs.append(measure(arguments.program, arguments.projects, options, seen))
                if kept:
                    part = kept.with_suffix(".part")
                    part.write_text(json.dumps({"asked": asked, "figures": runs[-1]}))
                    part.replace(kept)
            row = [name, *cells(runs)]
            if errors := sum(run["errors"] for run in runs):
                row[0] += f" ({errors} requests without an answer)"
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], file=sys.stderr, flush=True)
        asked = sum(run["identifiers"] for run in runs)
        lines += ["", f"{asked} identifiers, seeds {', '.join(map(str, arguments.seeds))}: mean (minimum – maximum).", ""]
    lines.append(f"{datetime.date.today()}.")
    table = "\n".join(lines)
    if arguments.write:
        text = arguments.write.read_text()
        before, rest = text.split(MARKS[0])
        _, after = rest.split(MARKS[1])
        arguments.write.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}")
    else:
        print(table)


if __name__ == "__main__":
    main()
