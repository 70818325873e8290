"""From the results of the rounds to a table."""

import json
import os

from .build import ROOT

YARDSTICK = "haproxy"


def summarise(results):
    """Per (candidate, connections): the best of the rounds, and how far they lay apart."""
    rows = []
    for (name, connections), rounds in results.items():
        costs = sorted(
            r["processorPerRequest"] for r in rounds if r.get("processorPerRequest") is not None)
        errors = {}
        for result in rounds:
            for kind, count in result["errors"].items():
                errors[kind] = errors.get(kind, 0) + count
        rows.append({
            "candidate": name,
            "connections": connections,
            "rounds": len(rounds),
            "requests": sum(r["answers"] for r in rounds),
            "errors": errors,
            "requests_per_second": max(r["requestsPerSecond"] for r in rounds),
            "p50_us": min(r["latency"]["p50"] for r in rounds),
            "p99_us": min(r["latency"]["p99"] for r in rounds),
            "cpu_us": costs[0] if costs else None,
            "cpu_us_median": costs[len(costs) // 2] if costs else None,
            "resident_bytes": max(
                ((r.get("memory") or {}).get("resident") or 0) for r in rounds) or None,
        })
    for row in rows:
        base = next(
            (other["cpu_us"] for other in rows
             if other["candidate"] == YARDSTICK and other["connections"] == row["connections"]), None)
        row["ratio"] = row["cpu_us"] / base if base and row["cpu_us"] else None
    return rows


def text(value, form):
    return "–" if value is None else form.format(value)


def table(rows):
    lines = [
        "| candidate | requests/s | p50 µs | p99 µs | CPU µs/request | (median) | ratio to HAProxy | RSS MB | errors |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        memory = row["resident_bytes"] / 1e6 if row["resident_bytes"] else None
        lines.append(
            f"| {row['candidate']} | {row['requests_per_second']:.0f} | {row['p50_us']:.0f} "
            f"| {row['p99_us']:.0f} | {text(row['cpu_us'], '{:.2f}')} "
            f"| {text(row['cpu_us_median'], '{:.2f}')} | {text(row['ratio'], '{:.2f}')} "
            f"| {text(memory, '{:.1f}')} | {sum(row['errors'].values())} |")
    return "\n".join(lines)


def markdown(document):
    facts = document["machine"]
    lines = [f"# {document['title']}", ""]
    lines.append(
        f"{facts['processor']}, {facts['cores']} cores, Linux {facts['kernel']} {facts['architecture']}, "
        f"{facts['distribution']}; nginx {facts['nginx']}, HAProxy {facts['haproxy']}; "
        f"Sluice {document['commit']}, {document['date']}.")
    lines += ["", f"    {document['command']}", ""]
    lines.append(
        "Client, model server and proxy share one core; candidates take turns in short rounds. CPU µs per request is "
        "the user and system time of the proxy's own threads, the least of all rounds (and the median of them); "
        "requests/s is the best round's and latency the least of the rounds. Machines differ, so read the ratios.")
    for section in document["sections"]:
        lines += ["", f"## {section['title']}", "", table(section["rows"])]
    if document.get("notes"):
        lines += ["", "## Candidates", ""]
        lines += [f"- {name}: {note}" for name, note in document["notes"].items()]
    return "\n".join(lines) + "\n"


def save(name, text, document):
    """Writes perf/results/NAME.md and NAME.json and gives the first one's path."""
    folder = os.path.join(ROOT, "perf", "results")
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, name)
    with open(base + ".md", "w", encoding="utf-8") as file:
        file.write(text)
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False, sort_keys=True)
        file.write("\n")
    return base + ".md"
