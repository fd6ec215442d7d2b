"""The Python files that the lexer is compared on: the standard library, pinned wheels, and a given corpus."""

import io
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

# Pure Python in many styles and of different ages; sympy is the largest.
WHEELS = (
    "attrs==24.2.0", "black==24.10.0", "click==8.1.7", "flask==3.0.3", "jinja2==3.1.4", "mpmath==1.3.0",
    "networkx==3.2.1", "pip==24.3.1", "pygments==2.18.0", "requests==2.32.3", "rich==13.9.4", "setuptools==75.6.0",
    "six==1.17.0", "sympy==1.13.3", "twisted==24.11.0",
)  # fmt: skip
ZSTANDARD = "zstandard==0.23.0"


def folders():
    """(name, folder) of each part; downloads and unpacks parts that are not in the cache folder."""
    yield "standard library", Path(sysconfig.get_path("stdlib"))
    yield f"{len(WHEELS)} wheels", wheels()
    data = os.environ.get("MINICOPILOT_DATA")
    if data:
        yield "test corpus", unpacked(Path(data) / "test-raw.tar.zst")
    else:
        print("MINICOPILOT_DATA is not set; skipping the test corpus")


def files(folder):
    """The .py files in the folder, without packages installed next to a standard library."""
    return sorted(path for path in folder.rglob("*.py") if path.is_file() and "site-packages" not in path.relative_to(folder).parts)


def cache():
    base = os.environ.get("MINICOPILOT_CACHE") or Path.home() / ".cache" / "minicopilot"
    return Path(base) / "python"


def wheels():
    """The folder of the unpacked wheels."""
    folder = cache() / "wheels"
    for wheel in WHEELS:
        target = folder / wheel
        if not target.is_dir():
            download = folder / "downloads" / wheel
            pip("download", "--no-deps", "--only-binary=:all:", "--python-version=3.11", f"--dest={download}", wheel)
            unpack(target, lambda folder: zipfile.ZipFile(next(download.glob("*.whl"))).extractall(folder))
    return folder


def unpacked(archive):
    """The folder of the unpacked .tar.zst."""
    stamp = archive.stat()
    target = cache() / f"{archive.name}-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not target.is_dir():
        module = cache() / ZSTANDARD
        if not module.is_dir():
            pip("install", "--quiet", f"--target={module}", ZSTANDARD)
        sys.path.append(str(module))
        import zstandard

        def extract(folder):
            with open(archive, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
                with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as tar:
                    tar.extractall(folder)

        unpack(target, extract)
    return target


def unpack(target, extract):
    """Extracts next to the target and then renames, so that an interrupted run leaves no partial folder."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    extract(partial)
    partial.rename(target)


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit("PyPI must be reachable once, to fetch the files that the lexer is compared on; set HTTPS_PROXY for a proxy, PIP_INDEX_URL for a mirror")
