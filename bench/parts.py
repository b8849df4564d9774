"""How a bench that starts nodes itself runs its parts."""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "process"))

from processes import PROCESSES, Failed  # noqa: E402


class Failure(Exception):
    """A wrong answer: the figures would mean nothing."""


def say(what, **figures):
    print(what, *(f"{name}={value}" for name, value in figures.items()), flush=True)


def list_of(parts):
    """For argparse: the names of some of `parts`."""
    def read(text):
        names = text.split(",")
        for name in names:
            if name not in parts:
                raise argparse.ArgumentTypeError(f"no such part: {name}")
        return names
    return read


def run(name, args, parts, bench_of):
    """Each part of `args` with the bench that `bench_of` makes of a folder. Whatever happens, no
    node is left; after a failure the logs' ends are shown."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix=name.replace("_", "-") + "-", dir=args.folder))
    try:
        bench = bench_of(folder)
        os.sched_setaffinity(0, {args.generator_core})
        for part in args.parts:
            parts[part](bench)
    except (Failure, Failed, OSError, ValueError, subprocess.TimeoutExpired) as error:
        for log in sorted(folder.glob("*/log*")):
            sys.stderr.write("".join(log.open(errors="replace").readlines()[-10:]))
        sys.exit(f"{name}: {error}")
    finally:
        PROCESSES.kill_all()
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
