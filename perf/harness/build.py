"""The programs under test and the tools, built in release mode."""

import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Programs:
    """Paths of the built programs."""

    def __init__(self, folder):
        self.folder = folder

    def __getitem__(self, name):
        path = os.path.join(self.folder, name)
        if not os.access(path, os.X_OK):
            raise SystemExit(f"{name} is not in the folder of built programs")
        return path

    def has(self, name):
        return os.access(os.path.join(self.folder, name), os.X_OK)


def programs(folder=None, products=("sluice-load", "sluice-model-server", "sluice")):
    """Builds the products, unless a folder with built ones is given."""
    if folder:
        return Programs(os.path.abspath(folder))
    for product in products:
        subprocess.run(
            ["swift", "build", "-c", "release", "--package-path", ROOT, "--product", product],
            check=True,
        )
    shown = subprocess.run(
        ["swift", "build", "-c", "release", "--package-path", ROOT, "--show-bin-path"],
        check=True, capture_output=True, text=True,
    )
    return Programs(shown.stdout.strip())


def command_line(name):
    """What was called, without the folders, which are this machine's own business."""
    arguments = sys.argv[1:]
    for hidden in ("--bin", "--folder"):
        while hidden in arguments:
            place = arguments.index(hidden)
            del arguments[place:place + 2]
        arguments = [text for text in arguments if not text.startswith(hidden + "=")]
    return shlex.join([name] + arguments)


def commit():
    """The commit that was measured, and whether anything was changed since."""
    def git(*arguments):
        done = subprocess.run(
            ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    revision = git("rev-parse", "--short=12", "HEAD")
    if not revision:
        return "unknown"
    changed = git("status", "--porcelain", "--", "Sources", "Package.swift", "perf", ":!perf/results")
    return revision + (" with changes" if changed else "")
