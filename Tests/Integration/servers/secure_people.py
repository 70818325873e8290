"""The same server as people.py, over TLS: secure_people.py PORT CERTIFICATE KEY MARKER."""

import sys
from pathlib import Path

import uvicorn

from people import make

port, certificate, key, marker = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
uvicorn.run(
    make(marker).streamable_http_app(json_response=True), host="127.0.0.1", port=port,
    ssl_certfile=certificate, ssl_keyfile=key)
