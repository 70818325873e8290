/// Where events go and which.
public struct SinkSettings: Sendable, Equatable {
  /// Names the sink in logs, in status, and its cursor; a sink with another name is another sink.
  public var name: String
  public var receiver: Receiver
  /// Names of events (`AuditEvent.name`) to send; nil for all.
  public var include: Set<String>?
  public var contents = Contents.facts
  public var start = Start.now

  public enum Receiver: Sendable, Equatable {
    case syslog(SyslogSettings)
    case jsonl(FileSettings)
    case webhook(WebhookSettings)
  }

  public enum Contents: String, Sendable, CaseIterable {
    /// Who, what, decision and outcome.
    case facts
    /// The request and the answer (as the agent saw it) as well, where the record has them.
    case full
  }

  /// Where a sink begins that has no cursor yet.
  public enum Start: String, Sendable, CaseIterable {
    /// With what is recorded from now on.
    case now
    /// With the oldest record there is.
    case beginning
  }

  public init(name: String, receiver: Receiver) {
    self.name = name
    self.receiver = receiver
  }

  /// Where it sends to, for people.
  public var target: String {
    switch receiver {
    case .syslog(let syslog):
      "syslog \(syslog.tls == nil ? "tcp" : "tls")://\(syslog.host):\(syslog.port)"
    case .jsonl(let file): "file \(file.path)"
    case .webhook(let webhook): "webhook \(webhook.url)"
    }
  }
}

/// Syslog messages of RFC 5424 over TCP (RFC 6587, octet counting) or TLS (RFC 5425).
public struct SyslogSettings: Sendable, Equatable {
  public var host: String
  public var port: UInt16
  /// Nil for plain TCP.
  public var tls: TLS?
  /// RFC 5424 table 1: 10 security, 13 log audit, 16 to 23 local.
  public var facility = 13
  public var appName = "sluice"
  /// Private enterprise number of the structured data's name (RFC 5424 §7.2.2). The default is the one kept for examples
  /// (RFC 5612).
  public var enterpriseNumber = 32473
  /// Longest message. RFC 5425 asks receivers to take 8192 bytes.
  public var messageBytesMax = 8192

  public struct TLS: Sendable, Equatable {
    /// Certificate authorities instead of the system's, in PEM form.
    public var authorities: [UInt8]?
    /// What proves who we are, where the receiver asks for that: both in PEM form.
    public var certificate: [UInt8]?
    public var key: SinkSecret?

    public init(
      authorities: [UInt8]? = nil, certificate: [UInt8]? = nil, key: SinkSecret? = nil
    ) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
    }
  }

  public init(host: String, port: UInt16, tls: TLS? = nil) {
    self.host = host
    self.port = port
    self.tls = tls
  }
}

/// A file of lines of JSON, and those before it.
public struct FileSettings: Sendable, Equatable {
  public var path: String
  /// A file that has reached this size becomes `<path>.1`, and so on.
  public var fileBytesMax = 256 << 20
  /// How many older files stay.
  public var filesKept = 16

  public init(path: String) { self.path = path }
}

/// Batches of events, posted as JSON and signed.
public struct WebhookSettings: Sendable, Equatable {
  public var url: String
  /// Key of the signature.
  public var secret: SinkSecret
  /// Most events of one request. 1 to 1000.
  public var batch = 100
  /// Certificate authorities instead of the system's, in PEM form.
  public var authorities: [UInt8]?

  public init(url: String, secret: SinkSecret) {
    self.url = url
    self.secret = secret
  }
}

/// A key that must never be seen.
public struct SinkSecret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public var description: String { "[secret]" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// How sinks pace themselves.
struct SinkPace: Sendable {
  /// Most events that are read and sent at once.
  var batchEventsMax = 1000
  /// Most bytes of one request, and of one answer, that go into an event.
  var bodyBytesMax = 64 << 10
  /// Pause between looks at a record that has nothing new.
  var idleMilliseconds = 100
  /// How often the cursor is written at most while there is work. A crash repeats what was sent since.
  var cursorMilliseconds = 1000
  /// First pause after a failure; it doubles up to the other one.
  var retryMilliseconds = 200
  var retryMillisecondsMax = 30_000
  /// How long a stream must live on after its last bytes arrived before they count as taken.
  var settleMilliseconds = 1000
  /// How long a stopping gateway lets its sinks send what is left.
  var stopMilliseconds = 3000
}
