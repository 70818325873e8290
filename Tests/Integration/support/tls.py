"""Certificates for one test run, by the openssl command, and the contexts that clients and servers make of them."""

import ssl
import subprocess
from pathlib import Path


class Issued:
    """A certificate and its key, as files."""

    def __init__(self, chain, key):
        self.chain, self.key = Path(chain), Path(key)

    @property
    def settings(self):
        return {"certificate": f"file:{self.chain}", "key": f"file:{self.key}"}

    def server_context(self, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        for name, value in options.items():
            setattr(context, name, value)
        return context


class Authority:
    """Signs certificates."""

    def __init__(self, folder, name="Test authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pem = self.folder / "ca.pem"
        self.count = 0
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "ca.key", "-out", "ca.pem", "-subj", f"/CN={name}", "-days", "30")

    @property
    def reference(self):
        return f"file:{self.pem}"

    def issue(self, *names, days=30, usage="serverAuth", kind="ec"):
        """`names` as OpenSSL writes them: DNS:localhost, IP:127.0.0.1."""
        self.count += 1
        stem = f"issued-{self.count}"
        (self.folder / f"{stem}.ext").write_text(
            f"subjectAltName={','.join(names)}\nextendedKeyUsage={usage}\n")
        new = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[kind]
        self._openssl(
            "req", "-newkey", *new, "-nodes", "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj",
            "/CN=of no importance")
        self._openssl(
            "x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile",
            f"{stem}.ext", "-days", days, "-out", f"{stem}.pem")
        (self.folder / f"{stem}.key").chmod(0o600)
        return Issued(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")

    def client_context(self, identity=None, **options):
        context = ssl.create_default_context(cafile=str(self.pem))
        if identity:
            context.load_cert_chain(identity.chain, identity.key)
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def _openssl(self, *arguments):
        subprocess.run(
            ["openssl", *map(str, arguments)], cwd=self.folder, check=True, capture_output=True)
