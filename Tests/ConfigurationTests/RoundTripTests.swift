import Identity
import PlainJSON
import Policy
import TLSTestSupport
import Testing

@testable import SluiceConfiguration

/// Every key that the file may have, with a value other than its default: what is written must
/// arrive.
@Suite struct RoundTripTests {
  static let text = """
    listeners:
      - address: 127.0.0.2:9090
        allowed_hosts: [mcp.example, "localhost:9090"]
        allowed_origins: ["https://inspector.example"]
      - address: "[::1]:9091"
    identity:
      service_accounts:
        - { name: bot, key_sha256: "\(Sample.digest)", groups: [staff, "ops team"] }
      anonymous: { groups: [everyone] }
      oidc:
        - issuer: https://idp.example/realms/corp
          name: corp
          audience: [api://sluice, "https://mcp.example"]
          groups_claim: realm_access.roles
          name_claim: email
          groups: [guests]
          client_groups: { etl: [loaders, staff] }
          scopes: [openid, groups]
          algorithms: [ES256, EdDSA]
          clock_skew: 5s
          jwks_refresh: 1h
          authorities: env:AUTHORITY
        - { issuer: "http://127.0.0.1:18180", audience: one }
    public_url: https://MCP.example:443/base/
    servers:
      orders:
        url: http://Orders.internal:9000/a/mcp
        path: /o
        credential: { header: Authorization, scheme: Bearer, value: "env:TOKEN" }
        client_requests: [sampling, roots]
        methods: [com.example/jobs.status, "x/*"]
        event_ids: server
        era: modern
      crm:
        url: http://[fd00::1]
        transport: sse
        client_sse: false
        credential: { header: X-Key, exec: [printf, "%s", made], refresh: 2s, timeout: 3s, max_age: 4s }
        limits: { first_byte_timeout: 5s, connections: 6, response_size: 2KiB, connect_failures: 7, unreachable_pause: 8s }
    profiles:
      analyst:
        groups: [staff]
        service_accounts: [bot]
        users: [corp/alice]
        allow: [{ server: orders, tools: [query, "list_*"], resources: ["orders://*"], prompts: [summary] }, { server: "*", tools: ["get?"] }]
    policies:
      - name: everything
        match:
          servers: [orders]
          tools: ["q*"]
          principals: [bot]
          groups: [staff]
          arguments:
            a: { equals: "5" }
            b: { one_of: [1, -2.5e3, true, null, word, "null"] }
            c.d: { prefix: x, suffix: y, regex: "^x.*y$" }
            e: { greater_than: 1, less_than: 10 }
            f: { at_least: 1, at_most: 9007199254740993 }
        effect: block
        message: |
          No.
          Never.
        note: Because.
      - name: allowed
        match: { tools: [query] }
        effect: allow
      - name: hidden
        match: { servers: ["*"] }
        effect: mask
        mask: [{ fields: [email, customer.card.number], with: redact }, { fields: [phone], with: partial }]
      - name: asked
        match: { tools: ["list_*"] }
        effect: require_approval
        approval: { reviewers: [dba, "ops team"], quorum: 2, expires: 5m, message: "Ticket?" }
        message: Wait.
    store: sqlite:./state/sluice.db
    approvals:
      url: https://sluice.example/approvals/
      webhook: http://127.0.0.1:9/hook?x=1
      max_pending: 12
      max_pending_per_caller: 3
      retention: 24h
    audit:
      directory: ./records
      contents: facts
      durability: interval
      interval: 7ms
      on_failure: drop_and_count
      segment_size: 1MiB
      ring_size: 128KiB
      retention: { days: 30, size: 2GiB, unread: delete }
    sinks:
      - name: siem
        syslog:
          address: "[::1]:6514"
          tls: { authorities: "env:AUTHORITY", certificate: "env:CERTIFICATE", key: "env:KEY" }
          facility: local3
          app_name: gate
          enterprise_number: 4711
          message_size: 4KiB
        include: [block, gap]
        contents: full
        start: beginning
      - name: lines
        jsonl: { path: events.jsonl, size: 1MiB, keep: 3 }
      - name: hook
        webhook: { url: "https://Siem.example/e", secret: "env:HOOK_SECRET", batch: 7, authorities: "env:AUTHORITY" }
    limits:
      head_size: 2KiB
      request_size: 3KiB
      response_hold: 65KiB
      response_size: 4KiB
      json_depth: 6
      pipeline_size: 5KiB
      stream_backlog_size: 6KiB
      worker_memory: 7MiB
      max_connections: 8
      upstream_connections: 9
      upstream_idle_connections: 0
      connect_failures: 11
      held_calls: 10
      handshake_timeout: 15s
      head_timeout: 11ms
      body_timeout: 12s
      idle_timeout: 13m
      write_timeout: 14h
      connect_timeout: 16s
      unreachable_pause: 23s
      first_byte_timeout: 17s
      stream_idle_timeout: 18s
      upstream_idle_timeout: 19s
      approval_wait: 21s
      approval_leg: 22s
      drain_timeout: 20s
      pre_stop_delay: 21s
      name_refresh: 22s
    workers:
      count: 3
      io: io_uring
      pin_cpus: true
      backlog: 77
      buffer_size: 32KiB
      ring_entries: 256
    log: { level: debug, format: json }
    console:
      address: 0.0.0.0:8443
      tls: { certificate: "env:CERTIFICATE", key: "env:KEY" }
      public_url: https://console.example
      behind_proxy: true
      login:
        oidc:
          issuer: https://idp.example/realm
          client_id: sluice
          client_secret: env:TOKEN
          scopes: [openid, groups]
          groups_claim: realm.roles
          name_claim: email
          authorities: env:AUTHORITY
        local_admin: { name: root, password_hash: "env:HASH", groups: [dba] }
      admins: [platform]
      auditors: [security, legal]
      api_keys: [{ name: ci, key_sha256: "\(String(repeating: "12", count: 32))", groups: [dba] }]
      approve_needs_reason: true
      session_idle: 5m
      session_max: 1h
    admin: { address: "[::1]:9901" }
    """

  let configuration: Configuration

  static let environment = Result {
    let tls = try TLSSectionTests.environment.get()
    return tls.merging([
      "TOKEN": "s3cr3t-t0ken", "HASH": "scrypt$1", "HOOK_SECRET": "0123456789abcdef",
    ]) { $1 }
  }

  init() throws {
    configuration = try read(Self.text, environment: Self.environment.get()).0
  }

  @Test func listeners() {
    #expect(configuration.listeners.map(\.address.description) == ["127.0.0.2:9090", "[::1]:9091"])
    #expect(configuration.listeners.map(\.address.isLoopback) == [true, true])
    #expect(configuration.listeners[0].allowedHosts == ["mcp.example", "localhost:9090"])
    #expect(configuration.listeners[0].allowedOrigins == ["https://inspector.example"])
    #expect(configuration.listeners[1].allowedHosts == nil)
  }

  @Test func identity() throws {
    let account = try #require(configuration.identity.serviceAccounts.first)
    #expect(account.name == "bot")
    #expect(account.keyDigest == APIKey.bytes(hexadecimal: Sample.digest))
    #expect(account.groups == ["staff", "ops team"])
    #expect(configuration.identity.anonymous?.groups == ["everyone"])
  }

  @Test func providers() throws {
    let oidc = configuration.identity.oidc[0]
    var expected = IdentityProvider(name: "corp", issuer: "https://idp.example/realms/corp")
    expected.audiences = ["api://sluice", "https://mcp.example"]
    expected.groupsClaim = "realm_access.roles"
    expected.nameClaim = "email"
    expected.groups = ["guests"]
    expected.clientGroups = ["etl": ["loaders", "staff"]]
    expected.scopes = ["openid", "groups"]
    expected.algorithms = [.es256, .edDSA]
    expected.clockSkewSeconds = 5
    #expect(oidc.provider == expected)
    #expect(oidc.refreshMilliseconds == 3_600_000)
    #expect(oidc.authorities?.reference == "env:AUTHORITY")
    #expect(configuration.publicURL?.description == "https://mcp.example/base")
    let plain = configuration.identity.oidc[1].provider
    #expect(plain.name == "127.0.0.1-18180")
    #expect(plain.audiences == ["one"])
    #expect(configuration.policyDefinition.hasIdentityProvider)
  }

  @Test func servers() throws {
    let orders = configuration.servers[0]
    #expect(orders.name == "orders")
    #expect(orders.url.description == "http://orders.internal:9000/a/mcp")
    #expect(orders.url.authority == "orders.internal:9000")
    #expect(orders.url.addressBytes == nil)
    #expect(orders.path == "/o")
    #expect(orders.clientRequests == [.sampling, .roots])
    let credential = try #require(orders.credential)
    #expect(credential.header == "Authorization")
    #expect(credential.reference == "env:TOKEN")
    let sent = credential.fieldValue.reveal { span in
      (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
    #expect(sent == Array("Bearer s3cr3t-t0ken".utf8))

    let crm = configuration.servers[1]
    #expect(crm.path == "/crm/mcp")
    #expect(crm.url.description == "http://[fd00::1]/")
    #expect(crm.url.port == 80)
    #expect(crm.url.addressBytes?.count == 16)
    let program = try #require(crm.credential?.program)
    #expect(program.command == ["printf", "%s", "made"])
    #expect(program.refreshMilliseconds == 2_000)
    #expect(program.timeoutMilliseconds == 3_000)
    #expect(program.maxAgeMilliseconds == 4_000)
    #expect(crm.credential?.origin == "exec:printf")
    #expect(crm.credential?.fieldValue.count == 4)
    #expect(crm.limits.firstByteMilliseconds == 5_000)
    #expect(crm.limits.connectionsMax == 6)
    #expect(crm.limits.connectFailuresMax == 7)
    #expect(crm.limits.unreachableMilliseconds == 8_000)
    #expect(crm.limits.responseBytesMax == 2048)
  }

  @Test func profiles() throws {
    let profile = try #require(configuration.profiles.first)
    #expect(profile.name == "analyst")
    #expect(profile.position == SourcePosition(line: 41, column: 3))
    #expect(profile.groups == ["staff"])
    #expect(profile.principals == ["bot", "corp/alice"])
    #expect(profile.allow.map(\.server) == ["orders", "*"])
    #expect(profile.allow.map(\.tools) == [["query", "list_*"], ["get?"]])
    #expect(profile.allow.map(\.resources) == [["orders://*"], []])
    #expect(profile.allow.map(\.prompts) == [["summary"], []])
    #expect(profile.allow[1].tools[0].position == SourcePosition(line: 45, column: 129))
  }

  @Test func rules() {
    #expect(
      configuration.rules.map(\.definition.name) == ["everything", "allowed", "hidden", "asked"])
    #expect(
      configuration.rules.map(\.definition.effect) == [.block, .allow, .mask, .requireApproval])
    let rule = configuration.rules[0]
    #expect(rule.definition.message == "No.\nNever.\n")
    #expect(rule.note == "Because.")
    #expect(rule.definition.position == SourcePosition(line: 47, column: 5))
    let match = rule.definition.match
    #expect(match.servers == ["orders"])
    #expect(match.tools == ["q*"])
    #expect(match.principals == ["bot"])
    #expect(match.groups == ["staff"])
    #expect(configuration.rules[1].definition.match.servers == nil)
  }

  @Test func approvals() throws {
    let approval = try #require(configuration.rules[3].definition.approval)
    #expect(approval.reviewers == ["dba", "ops team"])
    #expect(approval.quorum == 2)
    #expect(approval.expiresMilliseconds == 300_000)
    #expect(approval.message == "Ticket?")
    #expect(configuration.rules[3].definition.message == "Wait.")
    #expect(configuration.store == .sqlite(path: "/etc/sluice/state/sluice.db"))
    var expected = ApprovalsConfiguration()
    expected.url = "https://sluice.example/approvals"
    expected.webhook = "http://127.0.0.1:9/hook?x=1"
    expected.pendingMax = 12
    expected.pendingPerPrincipalMax = 3
    expected.retentionMilliseconds = 86_400_000
    #expect(configuration.approvals == expected)
  }

  @Test func console() throws {
    let console = try #require(configuration.console)
    #expect(console.address.description == "0.0.0.0:8443")
    #expect(console.publicURL == "https://console.example")
    #expect(console.isBehindProxy && console.approvalNeedsReason)
    #expect(console.tls?.context != nil)
    let provider = try #require(console.login.openID)
    #expect(provider.issuer == "https://idp.example/realm")
    #expect(provider.clientID == "sluice")
    let length = provider.clientSecret?.count
    #expect(length == "s3cr3t-t0ken".utf8.count)
    #expect(provider.scopes == ["openid", "groups"])
    #expect(provider.groupsClaim == "realm.roles")
    #expect(provider.nameClaim == "email")
    #expect(provider.authorities?.pem.isEmpty == false)
    #expect(console.login.localAdmin?.name == "root")
    #expect(console.login.localAdmin?.passwordHash == "scrypt$1")
    #expect(console.login.localAdmin?.groups.map(\.text) == ["dba"])
    #expect(console.admins.map(\.text) == ["platform"])
    #expect(console.auditors.map(\.text) == ["security", "legal"])
    #expect(console.keys.map(\.name) == ["ci"])
    #expect(console.sessionIdleMilliseconds == 300_000)
    #expect(console.sessionMilliseconds == 3_600_000)
  }

  @Test func conditions() {
    let arguments = configuration.rules[0].definition.match.arguments
    #expect(arguments.map(\.path) == ["a", "b", "c.d", "e", "f"])
    #expect(
      arguments.map { $0.conditions.map(\.condition) } == [
        [.equals(.string("5"))],
        [
          .oneOf([
            .number(1), .number("-2.5e3"), .boolean(true), .null, .string("word"), .string("null"),
          ])
        ],
        [.prefix("x"), .suffix("y"), .regex("^x.*y$")],
        [.greaterThan(1), .lessThan(10)],
        [.atLeast(1), .atMost("9007199254740993")],
      ])
  }

  @Test func masks() {
    let masks = configuration.rules[2].definition.masks
    #expect(masks.map(\.fields) == [["email", "customer.card.number"], ["phone"]])
    #expect(masks.map(\.treatment) == [.redact, .partial])
  }

  @Test func audit() {
    var expected = AuditConfiguration()
    expected.retention = configuration.audit.retention
    expected.directory = "/etc/sluice/records"
    expected.durability = .interval
    expected.intervalMilliseconds = 7
    expected.onFailure = .dropAndCount
    expected.contents = .facts
    expected.segmentBytesMax = 1 << 20
    expected.ringBytes = 128 << 10
    #expect(configuration.audit == expected)
  }

  @Test func limits() {
    var expected = LimitsConfiguration()
    expected.headBytesMax = 2 << 10
    expected.requestBytesMax = 3 << 10
    expected.responseHoldBytesMax = 65 << 10
    expected.responseBytesMax = 4 << 10
    expected.jsonDepthMax = 6
    expected.pipelineBytesMax = 5 << 10
    expected.streamBacklogBytesMax = 6 << 10
    expected.workerMemoryBytesMax = 7 << 20
    expected.connectionsMax = 8
    expected.upstreamConnectionsMax = 9
    expected.upstreamIdleConnectionsMax = 0
    expected.handshakeMilliseconds = 15_000
    expected.headMilliseconds = 11
    expected.bodyMilliseconds = 12_000
    expected.idleMilliseconds = 780_000
    expected.writeMilliseconds = 50_400_000
    expected.connectMilliseconds = 16_000
    expected.connectFailuresMax = 11
    expected.unreachableMilliseconds = 23_000
    expected.firstByteMilliseconds = 17_000
    expected.streamIdleMilliseconds = 18_000
    expected.upstreamIdleMilliseconds = 19_000
    expected.drainMilliseconds = 20_000
    expected.heldCallsMax = 10
    expected.approvalWaitMilliseconds = 21_000
    expected.approvalLegMilliseconds = 22_000
    expected.preStopMilliseconds = 21_000
    expected.nameRefreshMilliseconds = 22_000
    #expect(configuration.limits == expected)
  }

  @Test func workersAndLog() {
    var workers = WorkersConfiguration()
    workers.count = 3
    workers.inputOutput = .ioUring
    workers.pinsCPUs = true
    workers.backlog = 77
    workers.bufferBytes = 32 << 10
    workers.ringEntries = 256
    #expect(configuration.workers == workers)
    #expect(configuration.log.level == .debug)
    #expect(configuration.log.format == .json)
    #expect(configuration.admin?.address.description == "[::1]:9901")
  }

  @Test func sinks() throws {
    #expect(configuration.sinks.map(\.name) == ["siem", "lines", "hook"])
    let siem = configuration.sinks[0]
    #expect(siem.include == [.block, .gap] && siem.contents == .full && siem.start == .beginning)
    let syslog = try #require(siem.syslog)
    #expect(syslog.address == HostAndPort(host: "[::1]", port: 6514))
    let authority = try TLSSamples.authority.get().pem
    #expect(syslog.tls?.authorities?.pem == authority)
    #expect(syslog.tls?.certificate == "env:CERTIFICATE" && syslog.tls?.key == "env:KEY")
    #expect(syslog.tls?.identity?.chain.isEmpty == false)
    #expect(syslog.facility.number == 19 && syslog.appName == "gate")
    #expect(syslog.enterpriseNumber == 4711 && syslog.messageBytesMax == 4096)
    let lines = try #require(configuration.sinks[1].jsonl)
    #expect(lines.path == "/etc/sluice/events.jsonl")
    #expect(lines.fileBytesMax == 1 << 20 && lines.filesKept == 3)
    let hook = try #require(configuration.sinks[2].webhook)
    #expect(hook.url == "https://Siem.example/e" && hook.batch == 7)
    #expect(
      hook.reference == "env:HOOK_SECRET" && hook.secret.bytes == Array("0123456789abcdef".utf8))
    #expect(configuration.audit.retention.days == 30)
    #expect(configuration.audit.retention.bytesMax == 2 << 30)
    #expect(configuration.audit.retention.unread == .delete)
  }

  @Test func leftOutMeansTheDefault() throws {
    let configuration = try read(Sample().text).0
    #expect(configuration.limits == LimitsConfiguration())
    #expect(configuration.workers == WorkersConfiguration())
    #expect(configuration.log == LogConfiguration())
    #expect(configuration.rules.isEmpty)
    #expect(configuration.identity.anonymous == nil)
  }

  /// The list above is complete: every key of the schema stands in the text.
  @Test func noKeyIsForgotten() {
    for key in SchemaKeys.all {
      let text = Self.text + TLSSectionTests.text + CommandServerTests.text
      #expect(text.contains("\(key):"), "\(key)")
    }
  }

  @Test func everySchemaDefaultIsTheReadersDefault() {
    // A default in the schema is shown from the property's value; this reads it back through the
    // key.
    var sample = Sample()
    sample.rest =
      "limits: { head_size: 32KiB, idle_timeout: 75s, max_connections: 16384 }\nworkers: { count: auto, buffer_size: 16KiB }"
    let configuration = try? read(sample.text).0
    #expect(configuration?.limits == LimitsConfiguration())
    #expect(configuration?.workers == WorkersConfiguration())
  }
}

/// The names of all keys, from the schema.
enum SchemaKeys {
  static var all: Set<String> {
    var names: Set<String> = []
    collect(Configuration.keys.schema, &names)
    return names
  }

  private static func collect(_ value: JSONValue, _ names: inout Set<String>) {
    switch value {
    case .object(let members):
      for member in members {
        if member.name == "properties", case .object(let properties) = member.value {
          names.formUnion(properties.map(\.name))
          for property in properties { collect(property.value, &names) }
        } else {
          collect(member.value, &names)
        }
      }
    case .array(let values): for value in values { collect(value, &names) }
    default: break
    }
  }
}
