"""Builds the native packet pump; everything else about the distribution is in pyproject.toml.

In a clone (`build_ext --inplace`) the native parts of the benchmarks are built too; no wheel has
them.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILE = ["-O3", "-g", "-std=gnu11", "-Wall", "-Wextra", "-pthread"]
# No fused operations (ARM has them by default, x86-64 not): what the pump computes is to the last
# bit what its readable models in the tests compute.
COMPILE += ["-ffp-contract=off"]
# Small files call each other for every packet: as one unit they cost a tenth less.
WHOLE = ["-flto=auto", "-fvisibility=hidden"]
FEEDBACK = "mixer/pump/native/feedback_writer.c"
SANITIZE = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]


def native(name: str, folder: str, borrowed: tuple[str, ...] = ()) -> Extension:
    """An extension made of `<name>.pyx`, the C files beside it in `native/`, and the pump's
    `borrowed` ones."""
    flags = SANITIZE if os.environ.get("TONGKE_SANITIZE") else []
    return Extension(
        name,
        [
            f"{name.replace('.', '/')}.pyx",
            *map(str, sorted(Path(folder, "native").glob("*.c"))),
            *borrowed,
        ],
        include_dirs=[f"{folder}/native", *({str(Path(one).parent) for one in borrowed})],
        depends=[
            *map(str, Path(folder, "native").glob("*.h")),
            *(str(Path(one).with_suffix(".h")) for one in borrowed),
        ],
        extra_compile_args=[*COMPILE, *(flags or WHOLE)],
        extra_link_args=["-pthread", "-O3", *(flags or WHOLE)],
        define_macros=[("_GNU_SOURCE", "1")],
    )


extensions = [native("mixer.pump._pump", "mixer/pump")]
if "--inplace" in sys.argv and Path("benchmarks/_load.pyx").exists():
    extensions.append(native("benchmarks._load", "benchmarks", (FEEDBACK,)))
    extensions.append(native("benchmarks.floor._floor", "benchmarks/floor"))

setup(
    ext_modules=cythonize(
        extensions,
        language_level=3,
        compiler_directives={"embedsignature": False},
    )
)
