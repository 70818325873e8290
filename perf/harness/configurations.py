"""The configurations of the candidates, as text."""

import hashlib

API_KEY = "sluice_" + "k" * 43

# What the model server's first record holds: none of it may pass where these fields are masked.
MASKED_FIELDS = ["email", "ssn", "phone", "card", "address"]
MASKED_VALUES = [
    "ada.byron0@example.com", "100-10-0000", "+1-555-000-0000", "4111-0000-0000-0000",
    "1 Mill Lane, Springfield",
]


def nginx(port, upstream, folder, descriptors):
    """One worker, an access log line per request, connections to the upstream kept."""
    paths = "\n".join(
        f"  {kind}_temp_path {folder}/nginx-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections {descriptors - 100}; use epoll; }}
http {{
{paths}
  access_log {folder}/nginx-access.log combined;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_max_body_size 16m;
  proxy_buffers 16 16k;
  proxy_buffer_size 16k;
  upstream model {{
    server 127.0.0.1:{upstream};
    keepalive 1024;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""


def haproxy(port, upstream, log, descriptors):
    """One thread, its usual HTTP log line per request, connections to the upstream shared.

    `log` is where the lines go, or None for no log.
    """
    log_line = f"  log {log} local0" if log else ""
    return f"""
global
  nbthread 1
  maxconn {(descriptors - 200) // 2}
{log_line}
defaults
  mode http
  log global
  option httplog
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 300s
frontend agents
  bind 127.0.0.1:{port} backlog 4096
  default_backend servers
backend servers
  server model 127.0.0.1:{upstream}
"""


def sluice_plain(port, upstream, folder):
    """Who calls is not asked and no rule looks at anything; recorded is what an access log holds."""
    return f"""
listeners: [{{ address: "127.0.0.1:{port}" }}]
identity:
  anonymous: {{ groups: [everyone] }}
servers:
  model: {{ url: "http://127.0.0.1:{upstream}/mcp", path: /mcp }}
profiles:
  everything:
    groups: [everyone]
    allow: [{{ server: model, tools: ["*"] }}]
audit: {{ directory: "{folder}/recordings", contents: facts }}
"""


def sluice_full(port, upstream, folder):
    """API keys, a small company's rules, five fields masked, everything recorded."""
    accounts = []
    for number in range(20):
        key = API_KEY if number == 11 else f"sluice_{number:043d}"
        digest = hashlib.sha256(key.encode()).hexdigest()
        group = "analysts" if number % 2 else "operators"
        accounts.append(
            f'    - {{ name: agent-{number}, key_sha256: "{digest}", groups: [{group}] }}')
    fields = ", ".join(MASKED_FIELDS)
    return f"""
listeners: [{{ address: "127.0.0.1:{port}" }}]
identity:
  service_accounts:
{chr(10).join(accounts)}
servers:
  model: {{ url: "http://127.0.0.1:{upstream}/mcp", path: /mcp }}
profiles:
  analyst:
    groups: [analysts]
    allow: [{{ server: model, tools: [query, "list_*", customers] }}]
  operator:
    groups: [operators]
    allow: [{{ server: model, tools: ["*"] }}]
policies:
  - name: no-destructive-sql
    match:
      servers: [model]
      tools: [query]
      arguments: {{ sql: {{ regex: "(?i)\\\\b(drop|truncate|alter|delete|update|insert|grant)\\\\b" }} }}
    effect: block
    message: Destructive SQL is not available to agents.
  - name: small-answers
    match: {{ servers: [model], tools: [query], arguments: {{ limit: {{ greater_than: 1000 }} }} }}
    effect: block
    message: Ask for at most 1000 rows.
  - name: no-secrets
    match: {{ servers: [model], tools: ["list_*"], arguments: {{ table: {{ one_of: [secrets, keys] }} }} }}
    effect: block
    message: These tables are not for agents.
  - name: personal-data
    match: {{ servers: ["*"] }}
    mask: [{{ fields: [{fields}], with: redact }}]
audit: {{ directory: "{folder}/recordings" }}
"""


def sluice_team(port, upstream, folder, issuer, audience):
    """A team's gateway: people and agents by OIDC, a hundred rules, five fields masked, everything recorded."""
    fields = ", ".join(MASKED_FIELDS)
    return f"""
listeners: [{{ address: "127.0.0.1:{port}" }}]
identity:
  oidc: [{{ issuer: "{issuer}", audience: "{audience}" }}]
servers:
  model: {{ url: "http://127.0.0.1:{upstream}/mcp", path: /mcp }}
profiles:
  analyst:
    groups: [analysts]
    allow: [{{ server: model, tools: [query, "list_*", customers] }}]
  operator:
    groups: [operators]
    allow: [{{ server: model, tools: ["*"] }}]
policies:
{chr(10).join(many_rules(98))}
  - name: no-destructive-sql
    match:
      servers: [model]
      tools: [query]
      arguments: {{ sql: {{ regex: "(?i)\\\\b(drop|truncate|alter|delete|update|insert|grant)\\\\b" }} }}
    effect: block
    message: Destructive SQL is not available to agents.
  - name: personal-data
    match: {{ servers: ["*"] }}
    mask: [{{ fields: [{fields}], with: redact }}]
audit: {{ directory: "{folder}/recordings" }}
"""


def sluice_holding(port, upstream, folder, admin):
    """A tool that somebody has to approve, beside others that nobody has to."""
    digest = hashlib.sha256(API_KEY.encode()).hexdigest()
    return f"""
listeners: [{{ address: "127.0.0.1:{port}" }}]
identity:
  service_accounts: [{{ name: agent, key_sha256: "{digest}", groups: [analysts] }}]
servers:
  model: {{ url: "http://127.0.0.1:{upstream}/mcp", path: /mcp }}
profiles:
  analyst: {{ groups: [analysts], allow: [{{ server: model, tools: ["*"] }}] }}
policies:
  - name: changes-need-a-human
    match: {{ servers: [model], tools: [change] }}
    effect: require_approval
    approval: {{ reviewers: [dba], expires: 1h }}
audit: {{ directory: "{folder}/recordings" }}
store: "sqlite:{folder}/approvals.db"
approvals: {{ max_pending_per_caller: 100000 }}
limits: {{ approval_wait: 1h }}
admin: {{ address: "127.0.0.1:{admin}" }}
"""


def many_rules(count):
    """Rules as they gather over the years: a third about the tool that is called, all with something to check."""
    rules = []
    for number in range(count):
        tool = "query" if number % 3 == 0 else f"tool_{number}"
        arguments = [
            f'sql: {{ regex: "(?i)\\\\bfrom\\\\s+secret_{number}\\\\b" }}',
            f"limit: {{ greater_than: {1000 + number} }}",
            f"table: {{ one_of: [secrets_{number}, keys_{number}] }}",
        ][number % 3 if tool != "query" else number // 3 % 3]
        group = ["analysts", "operators"][number % 2]
        rules += [
            f"  - name: rule-{number}",
            f'    match: {{ servers: [model], tools: [{tool}], groups: [{group}], arguments: {{ {arguments} }} }}',
            "    effect: block",
        ]
    return rules
