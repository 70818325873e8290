"""mcp-alchemy over HTTP instead of its standard input and output: alchemy.py PORT, with DB_URL set."""

import asyncio
import sys

from mcp_alchemy.server import mcp

asyncio.run(mcp.run_streamable_http_async(port=int(sys.argv[1])))
