"""The README as its reader follows it: what it says to write goes into a file, what it says to type is run."""

import os
import re
import subprocess
from pathlib import Path

import yaml

from support.gateway import ROOT, binary

README = (ROOT / "README.md").read_text()


class Step:
    """A section of the README: its configuration and its commands."""

    def __init__(self, text):
        self.blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
        lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
        self.commands = [line.split("  #")[0].strip() for line in lines if line.strip()]


def steps():
    """What comes before the first step, and the five steps."""
    guide = README.split("\n## Deploying it, in five steps\n")[1].split("\n## ")[0]
    return [Step(text) for text in re.split(r"\n### \d\. ", guide)]


class Deployment:
    """A folder in which the steps are carried out. `here` says what the README's names are in this place."""

    def __init__(self, folder, here, environment):
        self.folder, self.here = Path(folder), here
        self.file = self.folder / "sluice.yaml"
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "sluice").symlink_to(binary())
        self.environment = {
            **os.environ, "SWIFT_BACKTRACE": "enable=no", **environment,
            "PATH": f"{programs}:{environment['PATH']}"}
        self.typed = []
        self.running = []

    def say(self, text):
        """A text of the README with the names of this place."""
        for name in sorted(self.here, key=len, reverse=True):
            text = text.replace(name, self.here[name])
        return text

    def write(self, step):
        """Replaces the sections that the step shows; a new file is renamed over the old one, as editors do."""
        settings = yaml.safe_load(self.file.read_text())
        for block in step.blocks:
            settings.update(yaml.safe_load(self.say(block)))
        new = self.file.with_suffix(".new")
        new.write_text(yaml.safe_dump(settings, sort_keys=False))
        os.replace(new, self.file)

    def type(self, command, expected=0, more="", **environment):
        """Runs a command of the README to its end, and returns what it printed."""
        self.typed.append(command)
        ran = subprocess.run(
            ["bash", "-c", self.say(command) + more], cwd=self.folder, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env={**self.environment, **environment})
        if expected is not None:
            assert ran.returncode == expected, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        self.status = ran.returncode
        return ran.stdout

    def begin(self, command, **environment):
        """Starts a command that runs on; the file that it prints to."""
        self.typed.append(command)
        output = self.folder / f"output-{len(self.running)}"
        with open(output, "wb") as out:
            # Whoever started the tests in the background had Ctrl-C ignored for all of them.
            self.running.append(subprocess.Popen(
                ["env", "--default-signal=INT", "bash", "-c", "exec " + self.say(command)], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**self.environment, **environment}))
        return output

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
