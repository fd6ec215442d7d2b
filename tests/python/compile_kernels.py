"""Compiles the CUDA kernels with NVRTC, as a GPU's first training step does; needs no GPU.

    pip install nvidia-cuda-nvrtc; python compile_kernels.py KERNELS.cu
"""

import ctypes
import importlib.util
import sys
from pathlib import Path


def library():
    """Loads NVRTC, after the library that it loads by name."""
    packages = importlib.util.find_spec("nvidia").submodule_search_locations
    folders = [path for package in packages for path in Path(package).rglob("libnvrtc.so.*")]
    builtins = [path for path in folders[0].parent.glob("libnvrtc-builtins.so.*")]
    ctypes.CDLL(str(builtins[0]), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(folders[0]))


def check(result, what):
    if result:
        sys.exit(f"{what}: NVRTC error {result}")


nvrtc, source = library(), Path(sys.argv[1])
program, size = ctypes.c_void_p(), ctypes.c_size_t()
check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.read_bytes(), source.name.encode(), 0, None, None), "create")
result = nvrtc.nvrtcCompileProgram(program, 0, None)
check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)), "log")
log = ctypes.create_string_buffer(size.value)
check(nvrtc.nvrtcGetProgramLog(program, log), "log")
print(log.value.decode(), end="")
check(result, str(source))
check(nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size)), "PTX")
ptx = ctypes.create_string_buffer(size.value)
check(nvrtc.nvrtcGetPTX(program, ptx), "PTX")
kernels = [line.split()[-1].rstrip("(") for line in ptx.value.decode().splitlines() if ".entry" in line]
print(f"{source.name}: {len(kernels)} kernels: {', '.join(kernels)}")
