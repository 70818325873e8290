/// The configuration `sluice init` writes: small, complete, and every section explained.
struct StarterConfiguration {
  /// The hash of the key the first service account will call with.
  var keyDigest: String

  var text: String {
    """
    # sluice.yaml: who may call which tools of which MCP servers, what is masked, and where the record goes.
    # Check it after every change:  sluice check sluice.yaml
    # Run it:                       sluice serve --config sluice.yaml

    # Where agents connect.
    listeners:
      - address: 127.0.0.1:8080

    # Who may call. Agents send their key as "Authorization: Bearer sluice_…"; only its SHA-256 is kept here.
    # Make more with:  sluice key --name NAME --group GROUP
    identity:
      service_accounts:
        - name: my-agent
          key_sha256: "\(keyDigest)"
          groups: [agents]

    # The MCP servers behind the gateway. Agents reach this one at http://127.0.0.1:8080/orders/mcp.
    servers:
      orders:
        url: http://127.0.0.1:9000/mcp
        # What the gateway shows to the server; agents never see it. Secrets only by reference: env:, file:.
        # credential: { header: Authorization, value: "env:ORDERS_TOKEN" }

    # What a group may use. Whatever no profile allows is refused, and not even listed.
    profiles:
      agent:
        groups: [agents]
        allow:
          - server: orders
            tools: [query, "list_*", "describe_*"]

    # Rules on what the profiles allow, in order: the first "allow" or "block" that matches decides; masks add up.
    policies:
      # A word filter on the SQL argument. It may refuse a harmless query that only mentions such a word.
      - name: no-destructive-sql
        match:
          servers: [orders]
          tools: [query]
          arguments:
            sql: { regex: '(?i)\\b(drop|delete|update|insert|replace|alter|create|truncate|attach|pragma)\\b' }
        effect: block
        message: "Destructive SQL is not available to agents."

      # Fields that agents never see, by name, at any depth and in every form the answer comes in.
      - name: personal-data
        match:
          servers: ["*"]
        effect: mask
        mask:
          - { fields: [email, phone, ssn], with: redact }
          - { fields: [card_number], with: partial }

    # The record of every call: read it with  sluice audit tail --directory ./recordings
    audit:
      directory: ./recordings
      durability: interval        # or synced: an answer leaves only when its record is on the disk
      on_failure: fail_closed     # no record, no call

    """
  }
}
