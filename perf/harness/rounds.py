"""Short rounds, all candidates in turn, so that what else the machine does hits them alike."""

import json
import subprocess
import sys

from . import machine


class Setting:
    """What all candidates of a comparison share."""

    def __init__(self, programs, folder, core, other_core, descriptors, sluice_flags=()):
        self.programs = programs
        self.folder = folder
        self.core = core
        self.other_core = other_core
        self.descriptors = descriptors
        self.sluice_flags = list(sluice_flags)
        self.upstream_port = None


def load_command(setting, candidate, connections, extra):
    from .candidates import ARGUMENTS

    command = ["taskset", "-c", str(setting.core), setting.programs["sluice-load"]]
    command += ["--url", candidate.url(), "--connections", str(connections), "--json"]
    command += ["--call", "query", "--arguments", ARGUMENTS]
    for header in candidate.headers:
        command += ["--header", header]
    return command + extra


def run_load(command):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, start_new_session=True,
        preexec_fn=machine.prioritise)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"sluice-load failed:\n{done.stdout}{done.stderr}") from None


def verify(setting, candidate):
    """Every answer of a short run must be right; then what the candidate itself wants to show."""
    extra = ["--requests", "200", "--warmup", "0"]
    for text in candidate.absent:
        extra += ["--expect-absent", text]
    for text in candidate.present:
        extra += ["--expect-present", text]
    result = run_load(load_command(setting, candidate, 4, extra))
    if result["errorCount"] or result["answers"] != 200:
        raise SystemExit(f"{candidate.name} does not answer as it should: {result['errors']}")
    candidate.verify()


def measure(setting, candidate, connections, seconds, warmup):
    extra = ["--duration", str(seconds), "--warmup", str(warmup)]
    processes = candidate.processes()
    if processes:
        extra += ["--pid", ",".join(map(str, processes))]
    return run_load(load_command(setting, candidate, connections, extra))


def interleave(setting, candidates, connection_counts, rounds, seconds, warmup):
    """Runs all rounds. Gives, per (candidate, connections), the results of every round."""
    results = {}
    for number in range(rounds):
        # Another first one each round, so that no candidate always follows the same neighbour.
        turn = number % len(candidates)
        for candidate in candidates[turn:] + candidates[:turn]:
            for connections in connection_counts:
                result = measure(setting, candidate, connections, seconds, warmup)
                results.setdefault((candidate.name, connections), []).append(result)
                candidate.after_round()
                show(number, rounds, candidate, connections, result)
    return results


def show(number, rounds, candidate, connections, result):
    cost = result.get("processorPerRequest")
    text = f"{cost:7.2f} µs" if cost is not None else "      –   "
    print(
        f"round {number + 1}/{rounds}  {candidate.name:<22} {connections:>5} connections "
        f"{result['requestsPerSecond']:>9.0f}/s  {text}  errors {result['errorCount']}",
        file=sys.stderr, flush=True,
    )
