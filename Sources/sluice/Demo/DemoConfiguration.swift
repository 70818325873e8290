/// The configuration of the demo: one shop, one agent, and rules for the three calls of the tour.
struct DemoConfiguration {
  var gatewayPort: Int
  var serverPort: Int
  var consolePort: Int
  var keyDigest: String
  var reviewerDigest: String

  static let serverName = "shop"
  static let path = "/shop/mcp"
  static let account = "demo-agent"
  static let reviewer = "dana"
  static let approvalRule = "writes-need-a-human"

  var text: String {
    """
    # The demo's configuration. Change it, stop the demo with Ctrl-C, and run it again: your changes are kept.
    # (sluice demo --fresh starts over.) Mistakes are told with line and column; try one.

    listeners:
      - address: 127.0.0.1:\(gatewayPort)

    identity:
      service_accounts:
        - name: \(Self.account)
          key_sha256: "\(keyDigest)"     # the key itself is in agent.key, beside this file
          groups: [agents]
        - name: \(Self.reviewer)
          key_sha256: "\(reviewerDigest)"     # in reviewer.key: decides approvals from a terminal, and may call nothing
          groups: [dba]

    servers:
      \(Self.serverName):
        url: http://127.0.0.1:\(serverPort)/mcp        # the example server, inside the demo's process

    profiles:
      agent:
        groups: [agents]
        allow:
          # customer_card is not here: the agent cannot call it, and does not even see it in tools/list. Add it!
          - { server: \(Self.serverName), tools: [list_tables, describe_table, query] }

    policies:
      # The only words that begin a statement of SQLite's that changes something are in this rule and the next. Comments
      # cannot split a word, and escapes in the JSON change nothing: what is matched is the text the server would read.
      - name: no-destructive-sql
        match:
          servers: [\(Self.serverName)]
          tools: [query]
          arguments:
            sql: { regex: '(?i)\\b(drop|alter|create|attach|detach|vacuum|reindex|pragma)\\b' }
        effect: block
        message: "Destructive SQL is not available to agents."

      # Waits until somebody of the group dba has approved exactly this call; then it runs once.
      - name: \(Self.approvalRule)
        match:
          servers: [\(Self.serverName)]
          tools: [query]
          arguments:
            sql: { regex: '(?i)\\b(update|insert|delete|replace)\\b' }
        effect: require_approval
        approval:
          reviewers: [dba]
          expires: 15m
          message: "An agent wants to change the shop's data. Is this agreed with the customer?"

      - name: personal-data
        match:
          servers: [\(Self.serverName)]
        effect: mask
        mask:
          - { fields: [email, phone, ssn], with: redact }
          - { fields: [card_number, customer.card.number], with: partial }

    store: sqlite:./approvals.db      # approvals, beside this file

    console:                          # http://127.0.0.1:\(consolePort)
      address: 127.0.0.1:\(consolePort)
      login:
        local_admin: { groups: [dba] }    # its password is shown at every start

    approvals:
      url: http://127.0.0.1:\(consolePort)/approvals

    audit:
      directory: ./recordings       # beside this file
      ring_size: 2MiB               # enough for one machine; 8MiB where disks stall and requests are large

    """
  }
}
