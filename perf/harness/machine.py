"""What the machine is, and which processes there are."""

import os
import platform
import re
import shutil
import subprocess

# The nice value of everything that is measured.
priority = 0

POLICY = "/usr/sbin/policy-rc.d"


def facts():
    """Everything a reader needs to judge the figures; nothing that names this one machine."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processor": processor_model(),
        "cores": os.cpu_count(),
        "distribution": distribution(),
        "nginx": version(["nginx", "-v"], r"nginx/(\S+)"),
        "haproxy": version(["haproxy", "-v"], r"version (\S+)"),
    }


def processor_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.lower().startswith(("model name", "cpu part")):
                return line.split(":", 1)[1].strip()
    return "unknown"


def distribution():
    try:
        with open("/etc/os-release", encoding="utf-8") as lines:
            values = dict(line.rstrip().split("=", 1) for line in lines if "=" in line)
        return values.get("PRETTY_NAME", "unknown").strip('"')
    except OSError:
        return "unknown"


def version(command, pattern):
    """The version a program prints about itself, or None when it is not there."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else "unknown"


def descendants(pid):
    """The process and all that it has started."""
    found = [pid]
    for process in found:
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
        except OSError:
            continue
    return found


def prioritise():
    """Run in a new process of a session of its own, before its program: gives it our priority.

    The kernel shares a core among sessions first and within one then, so both values are set.
    """
    if priority == 0:
        return
    os.setpriority(os.PRIO_PROCESS, 0, priority)
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write(str(priority))
    except OSError:
        pass


def raise_descriptor_limit(wanted=65536):
    """As many open files as we may have, for us and what we start. Gives the limit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    for limit in (wanted if hard == unlimited else max(wanted, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            continue
    return soft


def install(programs):
    """Installs Debian packages that are missing, without letting their services start."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"missing: {' '.join(missing)}; install them, or run this as root")
    had_policy = os.path.exists(POLICY)
    if not had_policy:
        # Debian asks this script before it starts a service; 101 means no.
        with open(POLICY, "w", encoding="ascii") as policy:
            policy.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)
    try:
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        install_command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        subprocess.run(install_command + missing, check=True, env=environment)
    finally:
        if not had_policy:
            os.remove(POLICY)
