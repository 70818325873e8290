internal import PlainJSON

/// The commented configuration that `sluice init` writes: complete, working, every section
/// explained.
///
/// Lines of the form `#key: value` are settings at their defaults, ready to be changed; lines of
/// the form `# Text` explain.
public enum StarterConfiguration {
  /// The file's text.
  /// - Parameters:
  ///   - keySHA256: SHA-256 of the API key of the one service account, 64 hexadecimal digits
  ///     (`APIKey.generate`).
  ///   - serverURL: the MCP server to put behind the gateway.
  ///   - listen: where agents reach the gateway.
  public static func text(
    keySHA256: String, serverURL: String = "http://127.0.0.1:9000/mcp",
    listen: String = "127.0.0.1:8080"
  ) -> String {
    [
      access(keySHA256: keySHA256, serverURL: serverURL, listen: listen), rules, record, console,
      tuning(
        "limits",
        "The bounds of everything. Sizes have a unit (B, KiB, MiB, GiB), waits too (ms, s, m, h).",
        LimitsConfiguration.keys),
      tuning(
        "workers", "The threads of the data path. Flags of `sluice serve` override these.",
        WorkersConfiguration.keys),
      tuning("log", "What the process says about itself on standard error.", LogConfiguration.keys),
      """
      # Where metrics (Prometheus), health and status are served, without authentication. `sluice
      # status` asks there.
      #admin: { address: 127.0.0.1:9901 }

      """,
    ].joined(separator: "\n")
  }

  private static func access(keySHA256: String, serverURL: String, listen: String) -> String {
    """
    # Configuration of Sluice. `sluice check FILE` checks it and `sluice serve --config FILE` runs
    # it. Nothing is allowed unless this file says so, and a key it does not know is an error.

    # Where agents reach the gateway: IP address and port. Loopback is this machine only.
    listeners:
      - address: "\(listen)"
        # For agents on other machines, TLS 1.2 or 1.3 (min_version). With several certificates, the
        # name an agent asks for chooses; with client_authorities, agents need a certificate too:
        # tls: { certificate: "file:tls.pem", key: "file:tls.key" }
        # tls: { certificates: [{ certificate: "file:a.pem", key: "file:a.key" }], client_authorities: "file:ca.pem" }
        # The names it is reached under (others are answered 421), and the web pages that may call (403):
        # allowed_hosts: [localhost, mcp.example]
        # allowed_origins: ["https://inspector.example"]

    # Where agents reach it from other machines, which tokens of identity providers are made for.
    #public_url: "https://mcp.example"

    # Who may call. A service account proves itself with `Authorization: Bearer <API key>`; only the
    # key's hash stands here. `sluice key` makes a new key and prints both.
    identity:
      service_accounts:
        - name: my-agent
          key_sha256: "\(keySHA256)"
          groups: [analysts]
      # People and agents that bring an access token (a signed JWT) of an OpenID Connect provider. Their
      # names begin with the provider's: idp.example/alice, and idp.example/client/etl for a client.
      #oidc: [{ issuer: "https://idp.example", groups_claim: groups, scopes: [openid, groups] }]
      # It also takes name: (instead of the issuer's host), audience: (instead of the server's URL),
      # name_claim:, groups: and client_groups: (for tokens without the claim), algorithms:,
      # clock_skew:, jwks_refresh: and authorities: "file:ca.pem".
      # For a laptop or a test: let calls in without a key. Refused unless every listener is on
      # loopback.
      #anonymous: { groups: [everyone] }

    # The MCP servers behind the gateway. Agents reach this one at http://\(listen)/orders/mcp.
    servers:
      orders:
        url: "\(serverURL)"
        # The path at which agents reach it.
        #path: /orders/mcp
        # What the gateway proves itself with to the server; agents never see it. The secret is only
        # referred to, as env:NAME or file:/path, and never written here. With a scheme, "<scheme>
        # <secret>" is sent.
        #credential: { header: Authorization, scheme: Bearer, value: "env:ORDERS_TOKEN" }
        # A program may print it instead, asked again every so often; while it fails, the last secret
        # is used up to max_age: { header: Authorization, scheme: Bearer, exec: [vault, read, …],
        # refresh: 5m, timeout: 10s, max_age: 1h }
        # Bounds for this server: first_byte_timeout, connections, response_size.
        #limits: { first_byte_timeout: 30s }
        # With an https:// address, the server's certificate must come from one of the system's
        # authorities, or from these, and be for the host, or for server_name. A certificate (with
        # its key) is what the gateway presents:
        # tls: { authorities: "file:ca.pem", server_name: orders.example, certificate: …, key: … }
        # A server that speaks HTTP+SSE (2024-11-05): the url is that of its event stream.
        # transport: sse
        # A server that has dropped the revisions before 2026-07-28: the gateway then serves agents
        # that still speak them, in the server's place.
        # era: modern
      # A server on standard input and output: the gateway starts it, and its processes get this
      # environment and nothing else. Each session has a process of its own unless sharing is shared.
      #crm:
        #command: [uvx, crm-mcp, --read-only]
        #environment: { PATH: "env:PATH", HOME: "env:HOME", CRM_TOKEN: "env:CRM_TOKEN" }
        #directory: /srv/crm
        #sharing: session
        #limits: { max_processes: 64, start_timeout: 60s, idle_timeout: 30m }

        # What the server may ask of agents: their model (sampling), their user (elicitation), their
        # directories (roots). Nothing unless it stands here.
        #client_requests: [sampling, elicitation, roots]

        # Methods that the protocol does not have, for agents with a profile for this server. And what
        # they get of the ids of its events: sealed ones, or (server) its own, where it sends a session's
        # events to nobody else.
        #methods: [com.example/jobs.status, "com.example/reports.*"]
        #event_ids: sealed

        # Agents that speak HTTP+SSE (2024-11-05) find it at /orders/sse, unless:
        #client_sse: false

    # Permission profiles: who may use what. Everything else is refused, and lists show only what is
    # allowed. A profile is given to groups, or to service accounts by name. In names of tools and
    # prompts, and in URIs of resources, * stands for any text.
    profiles:
      analyst:
        groups: [analysts]
        #service_accounts: [my-agent]
        #users: [idp.example/alice]
        allow:
          - { server: orders, tools: [query, "list_*", "describe_*"] }
          #- { server: orders, resources: ["orders://*"], prompts: ["*"] }

    """
  }

  private static var rules: String {
    #"""
    # Rules on what the profiles allow, tried in this order. effect: allow or block decides the call
    # and ends the search; a mask changes the answer and goes on. A rule matches when everything
    # under "match" does: servers, tools (or resources, or prompts), principals, groups, and
    # arguments by path, with equals, one_of, prefix, suffix, regex, greater_than, at_least, less_than or at_most.
    policies:
      - name: no-destructive-sql
        match:
          servers: [orders]
          tools: [query]
          arguments: { sql: { regex: "(?i)\\b(drop|truncate|alter|delete|update|insert|grant)\\b" } }
        effect: block
        message: Statements that change the database are not available to agents.
        note: A word list is a first line of defence; let its database user only read, too.
      - name: personal-data
        match: { servers: ["*"] }
        mask:
          # A name is masked at any depth, a path where it ends. redact replaces the value, partial
          # keeps the last four characters.
          - { fields: [ssn, email, phone], with: redact }
          - { fields: [customer.card.number], with: partial }
      # A call that a person has to approve, exactly as it is, before it is sent. It needs a store.
      #- name: writes-need-a-human
      #  match: { servers: [orders], tools: [query], arguments: { sql: { prefix: UPDATE } } }
      #  effect: require_approval
      #  approval: { reviewers: [dba], quorum: 1, expires: 15m, message: Is there a backup? }

    """#
  }

  private static var record: String {
    """
    # The record: every call with its answer as the agent saw it, and every refusal. `sluice audit
    # tail` reads it.
    audit:
      # A relative path starts at this file's folder.
      directory: ./recordings
    \(commented(AuditConfiguration.keys, except: ["directory"]))
      # Old segments can be removed, whole ones only, and none that a sink has not delivered unless
      # "unread: delete" says so: retention: { days: 90, size: 100GiB, unread: keep }

    # Where audit events go besides the record. Each sink has its own place in the record, so that
    # nothing is lost while a receiver is down. A signed webhook is another kind of sink:
    # webhook: { url: https://siem.example/events, secret: "env:SIEM_SECRET", batch: 100 }
    # sinks:
    #   - name: siem
    #     syslog:
    #       address: siem.example:6514
    #       tls: { authorities: "file:ca.pem", certificate: "file:gateway.pem", key: "file:gateway.key" }
    #       facility: audit
    #       app_name: sluice
    #       enterprise_number: 32473
    #       message_size: 8KiB
    #     include: [allow, hold, block, unauthenticated, malformed, unavailable, gap, repair]
    #     contents: facts
    #     start: now
    #   - name: lines
    #     jsonl: { path: ./events.jsonl, size: 256MiB, keep: 16 }

    # Where approvals are kept. A relative path starts at this file's folder.
    #store: sqlite:./sluice.db

    # What holds for all calls that wait for a person's approval.
    approvals:
      # Where reviewers decide (agents are told <url>/<id>), and what is told of every request.
      #url: https://sluice.example/approvals
      #webhook: https://chat.example/hooks/approvals
    \(commented(ApprovalsConfiguration.keys, except: ["url", "webhook"]))
    """
  }

  private static var console: String {
    """
    # The web console, where people decide approvals, and the admin API (`sluice approvals`). Each
    # start shows a password that is good for one sign-in; for one that lasts, `sluice console
    # password` makes the hash that password_hash: file:admin.hash refers to.
    #console: { address: 127.0.0.1:8081, login: { local_admin: { name: admin, groups: [dba] } } }
    # Single sign-on, under login: oidc: { issuer: https://idp.example, client_id: sluice,
    # client_secret: env:CLIENT_SECRET, scopes: [openid, profile, email], groups_claim: groups,
    # name_claim: email, authorities: "file:ca.pem" }, and who sees what: admins: [platform], auditors:
    # [security]. For other machines: public_url: https://console.example, and tls: { certificate: "file:…",
    # key: "file:…" } or, with a proxy in front that speaks TLS, behind_proxy: true. Further: api_keys (programs
    # that use the admin API only, written as service accounts), approve_needs_reason: true, session_idle: 30m,
    # session_max: 8h.

    """
  }

  private static func tuning<Section>(
    _ name: String, _ explanation: String, _ table: KeyTable<Section>
  ) -> String {
    "# \(explanation)\n\(name):\n\(commented(table, except: []))"
  }

  /// The keys of a section at their defaults, each with its explanation, as comments.
  private static func commented<Section>(
    _ table: KeyTable<Section>, except: Set<String>
  ) -> String {
    let lines = table.keys.filter { !except.contains($0.name) }.compactMap { key -> String? in
      guard let fallback = key.schema["default"] else { return nil }
      let value = fallback.json.replacing("\"", with: "")
      let setting = "  #\(key.name): \(value)"
      let padding = String(repeating: " ", count: max(1, 34 - setting.count))
      let line = "\(setting)\(padding)# \(key.explanation)"
      return line.count <= 100
        ? line
        : "  # \(key.explanation.prefix(1).uppercased())\(key.explanation.dropFirst()):\n\(setting)"
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
