"""What the README tells a newcomer to write and to type."""

import re
import shlex
import subprocess

import pytest

from support.gateway import ROOT, sluice

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()
]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_the_steps_make_one_sound_configuration(tmp_path):
    (tmp_path / "sluice.yaml").write_text("\n".join(blocks("yaml")))
    (tmp_path / "tls").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", "tls/gateway.key", "-out", "tls/gateway.pem", "-days", "90", "-subj",
         "/CN=localhost"], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "tls/siem-ca.pem").write_bytes((tmp_path / "tls/gateway.pem").read_bytes())
    printed = sluice(
        "check", "sluice.yaml", cwd=tmp_path,
        env={"ORDERS_TOKEN": "t", "CONSOLE_SECRET": "s", "PATH": "/usr/bin:/bin"}).stdout
    assert "sluice.yaml: OK" in printed
    assert "warnings: none" in printed, printed


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_known(command):
    words = shlex.split(command)
    assert words[0] == "sluice"
    names = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
    options = [word for word in words if word.startswith("--")]
    assert names
    printed = sluice(*names, "--help").stdout
    for option in options:
        assert option in printed, f"{option} is no option of {names}"
