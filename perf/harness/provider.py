"""An identity provider that knows one key and one caller: discovery and key set over HTTP, tokens from the command line.

    python3 provider.py PORT KEY.pem      serves until it is ended

Signing is OpenSSL's; nothing is installed for it.
"""

import base64
import http.server
import json
import subprocess
import sys
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def make_key(path):
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)


def modulus(path):
    printed = openssl("rsa", "-in", path, "-noout", "-modulus").decode()
    return bytes.fromhex(printed.strip().removeprefix("Modulus="))


def token(path, **claims):
    """An RS256 token as providers make them, good for a day."""
    now = int(time.time())
    head = {"alg": "RS256", "typ": "at+jwt", "kid": "one"}
    body = {"iat": now - 5, "nbf": now - 5, "exp": now + 86400, **claims}
    text = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (head, body))
    return f"{text}.{encode(openssl('dgst', '-sha256', '-sign', path, data=text.encode()))}"


def documents(port, path):
    issuer = f"http://127.0.0.1:{port}"
    key = {
        "kty": "RSA", "kid": "one", "alg": "RS256", "use": "sig", "e": "AQAB",
        "n": encode(modulus(path)),
    }
    return {
        "/.well-known/openid-configuration": {
            "issuer": issuer, "jwks_uri": f"{issuer}/keys",
            "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "/keys": {"keys": [key]},
    }


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    answers = {name: json.dumps(value).encode() for name, value in documents(port, path).items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
