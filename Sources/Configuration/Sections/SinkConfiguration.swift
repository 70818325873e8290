public import Identity

/// A place outside where audit events go.
public struct SinkConfiguration: Equatable, Sendable {
  /// What an event can be: a call's decision, or something else that the record says.
  public enum Event: String, CaseIterable, Sendable {
    case allow, hold, block, unauthenticated, malformed, unavailable, gap, repair
  }

  public enum Contents: String, CaseIterable, Sendable { case facts, full }
  public enum Start: String, CaseIterable, Sendable { case now, beginning }

  public var name = ""
  public var syslog: SyslogConfiguration?
  public var jsonl: FileSinkConfiguration?
  public var webhook: WebhookConfiguration?
  /// Empty for all.
  public var include: [Event] = []
  public var contents = Contents.facts
  public var start = Start.now

  public init() {}
}

extension SinkConfiguration: SchemaObject {
  static var keys: KeyTable<SinkConfiguration> {
    KeyTable(
      keys: [
        .required(
          "name", \.name, .name("the name of a sink"),
          "names the sink in logs and status, and its place in the record: under another name it begins anew"
        ),
        .optional(
          "syslog", \.syslog, Shape<SyslogConfiguration>.object.optional,
          "syslog messages (RFC 5424) over TCP or TLS"),
        .optional(
          "jsonl", \.jsonl, Shape<FileSinkConfiguration>.object.optional,
          "a file of lines of JSON"),
        .optional(
          "webhook", \.webhook, Shape<WebhookConfiguration>.object.optional,
          "signed requests with batches of events"),
        .optional(
          "include", \.include, .list(.word(), atLeast: 1, atMost: 64),
          "which events; all when left out"),
        .optional(
          "contents", \.contents, .word(),
          "facts sends who, what, decision and outcome; full adds requests and answers (masked)"),
        .optional(
          "start", \.start, .word(),
          "where a new sink begins: now with what is recorded from now on, beginning with the oldest record"
        ),
      ],
      finish: { sink, node, reading in
        let kinds = [sink.syslog != nil, sink.jsonl != nil, sink.webhook != nil].filter { $0 }
        guard kinds.count != 1 else { return }
        reading.report(
          node.origin,
          kinds.isEmpty
            ? "where do its events go? Write one of syslog, jsonl and webhook"
            : "a sink sends to one place; make a sink of each of syslog, jsonl and webhook")
      })
  }

  /// Sinks with names of their own.
  static var all: Shape<[SinkConfiguration]> {
    Shape<[SinkConfiguration]>.list(.object, atMost: 16).map { sinks, _, reading in
      var names: [String: Int] = [:]
      for (index, sink) in sinks.enumerated() {
        // Names become names of files, which some file systems do not tell apart by case.
        if let earlier = names.updateValue(index, forKey: sink.name.lowercased()) {
          reading.report(
            at: "sinks[\(index)].name", "sinks[\(earlier)] has this name already; choose another")
        }
      }
      return sinks
    }
  }
}

/// Syslog over TCP or TLS.
public struct SyslogConfiguration: Equatable, Sendable {
  public var address = HostAndPort(host: "", port: 0)
  public var tls: SyslogTLSConfiguration?
  public var facility = Facility.audit
  public var appName = "sluice"
  public var enterpriseNumber = 32473
  public var messageBytesMax = 8192

  /// RFC 5424 table 1, by the names that syslog daemons use.
  public enum Facility: String, CaseIterable, Sendable {
    case user, daemon, auth, authpriv, audit
    case local0, local1, local2, local3, local4, local5, local6, local7

    public var number: Int {
      switch self {
      case .user: 1
      case .daemon: 3
      case .auth: 4
      case .authpriv: 10
      case .audit: 13
      default: 16 + (Int(rawValue.dropFirst(5)) ?? 0)
      }
    }
  }

  public init() {}
}

extension SyslogConfiguration: SchemaObject {
  static var keys: KeyTable<SyslogConfiguration> {
    KeyTable(
      keys: [
        .required(
          "address", \.address, .hostAndPort, "the receiver: host:port, such as siem.example:6514"),
        .optional(
          "tls", \.tls, Shape<SyslogTLSConfiguration>.object.optional,
          "send over TLS (RFC 5425); {} trusts the system's authorities"),
        .optional("facility", \.facility, .word(), "the facility of every message"),
        .optional("app_name", \.appName, .name("a name"), "APP-NAME of every message"),
        .optional(
          "enterprise_number", \.enterpriseNumber, .integer(1...4_294_967_295),
          "your private enterprise number, for the name of the structured data; the default is the one for examples"
        ),
        .optional(
          "message_size", \.messageBytesMax, .size(2048...1 << 20),
          "longest message; longer events lose their contents first"),
      ],
      finish: { syslog, _, reading in
        if syslog.tls == nil, !syslog.address.isLoopback {
          reading.warn(
            at: "\(reading.path).address",
            "events leave this machine unencrypted; add \"tls: {}\" where the receiver takes TLS")
        }
      })
  }
}

/// What a syslog receiver must prove, and what it is shown.
public struct SyslogTLSConfiguration: Equatable, Sendable {
  public var authorities: TrustedAuthorities?
  /// References.
  public var certificate: String?
  public var key: String?
  /// Made of both; nil where `sluice check` could not have the files.
  public var identity: TLSIdentity?

  public init() {}

  public static func == (left: Self, right: Self) -> Bool {
    left.authorities == right.authorities && left.certificate == right.certificate
      && left.key == right.key && left.identity?.chain == right.identity?.chain
      && left.identity?.key.bytes == right.identity?.key.bytes
  }
}

extension SyslogTLSConfiguration: SchemaObject {
  static var keys: KeyTable<SyslogTLSConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "authorities", \.authorities, Shape<TrustedAuthorities>.trustedAuthorities.optional,
          "certificate authorities to trust instead of the system's, in PEM form: file:/path"),
        .optional(
          "certificate", \.certificate, Shape<String>.certificateFile.optional,
          "what proves the gateway to the receiver, in PEM form: file:/path"),
        .optional(
          "key", \.key, Shape<String>.keyFile.optional,
          "that certificate's key, in PEM form and not encrypted: file:/path"),
      ],
      finish: { tls, node, reading in
        switch (tls.certificate, tls.key) {
        case (nil, nil): break
        case (.some(let certificate), .some(let key)):
          tls.identity = TLSIdentity((certificate, key, reading.path), &reading)
        default:
          reading.report(
            node.origin, "certificate and key belong together; write both or none of them")
        }
      })
  }
}

/// A file of lines of JSON.
public struct FileSinkConfiguration: Equatable, Sendable {
  public var path = ""
  public var fileBytesMax = 256 << 20
  public var filesKept = 16

  public init() {}
}

extension FileSinkConfiguration: SchemaObject {
  static var keys: KeyTable<FileSinkConfiguration> {
    KeyTable(
      keys: [
        .required(
          "path", \.path, .text(bytesMax: 1024, expected: "the path of a file"),
          "the file; a relative path starts at this file's folder"),
        .optional(
          "size", \.fileBytesMax, .size(64 << 10...64 << 30),
          "a file of this size becomes path.1, and so on"),
        .optional("keep", \.filesKept, .integer(1...1000), "how many older files stay"),
      ],
      finish: { file, _, reading in file.path = reading.secrets.absolute(file.path) })
  }
}

/// Signed requests with batches of events.
public struct WebhookConfiguration: Equatable, Sendable {
  public var url = ""
  /// The secret as the file refers to it. Safe to show.
  public var reference = ""
  /// The key of the signatures.
  public var secret = Secret([UInt8]())
  public var batch = 100
  public var authorities: TrustedAuthorities?

  public init() {}

  public static func == (left: WebhookConfiguration, right: WebhookConfiguration) -> Bool {
    left.url == right.url && left.reference == right.reference && left.batch == right.batch
      && left.authorities == right.authorities && left.secret.bytes == right.secret.bytes
  }
}

extension Secret {
  /// A copy of the bytes, for whom they are meant.
  public var bytes: [UInt8] {
    reveal { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }
}

extension WebhookConfiguration: SchemaObject {
  /// Shortest secret: RFC 2104 §3 discourages keys shorter than the hash; half of it is still beyond guessing.
  static let secretBytesMin = 16

  static var keys: KeyTable<WebhookConfiguration> {
    KeyTable(
      keys: [
        .required("url", \.url, .webhookURL, "where to post: https://host/path"),
        .required(
          "secret", \.reference, .secretReference,
          "a reference to the key of the signatures (HMAC-SHA256): env:NAME or file:/path"),
        .optional("batch", \.batch, .integer(1...1000), "most events of one request"),
        .optional(
          "authorities", \.authorities, Shape<TrustedAuthorities>.trustedAuthorities.optional,
          "certificate authorities to trust instead of the system's, in PEM form: file:/path"),
      ],
      finish: { webhook, _, reading in webhook.finish(&reading) })
  }

  private mutating func finish(_ reading: inout Reading) {
    if url.hasPrefix("http:"), !HostAndPort.isLoopback(urlHost: url) {
      reading.warn(
        at: "\(reading.path).url",
        "events leave this machine unencrypted; use https where the receiver takes it")
    }
    guard case .success(let reference) = SecretResolver.reference(reference) else { return }
    let path = "\(reading.path).secret"
    guard let bytes = reading.secrets.resolve(reference, at: path, &reading) else { return }
    if !bytes.isEmpty, bytes.count < Self.secretBytesMin {
      reading.report(
        at: path, "the secret is shorter than \(Self.secretBytesMin) bytes and could be guessed")
    }
    secret = Secret(bytes)
  }
}
