import Identity
public import Logging
public import Recorder
public import SluiceConfiguration
public import Status
import Synchronization

/// The part that feeds the sinks and looks after the record's age and size.
public final class RecordSinks: ServicePart {
  public let name = "sinks"

  private let logger: Logger
  private let sinks = Mutex<Sinks?>(nil)
  private let beginnings = Mutex(SinkBeginnings())

  public init(logger: Logger) {
    self.logger = logger
  }

  public func report(in status: inout GatewayStatus) async {
    status.sinks = sinks.withLock { $0 }?.statuses.map(GatewayStatus.Sink.init) ?? []
  }

  public func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    let sinks = sinks(for: loaded.configuration.audit)
    let settings = loaded.configuration.sinks.map(SinkSettings.init)
    let found = await BlockingWork.run { sinks.beginnings(of: settings) }
    beginnings.withLock { $0 = found }
  }

  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let sinks = sinks(for: loaded.configuration.audit)
    let settings = loaded.configuration.sinks.map(SinkSettings.init)
    let beginnings = beginnings.withLock { $0 }
    await BlockingWork.run { sinks.apply(settings, beginnings: beginnings) }
  }

  public func stop() async {
    guard let sinks = sinks.withLock({ $0 }) else { return }
    await BlockingWork.run { sinks.stop() }
  }

  /// Made once: where the record is does not change while the process runs.
  private func sinks(for audit: AuditConfiguration) -> Sinks {
    sinks.withLock { sinks in
      if let sinks { return sinks }
      let logger = logger
      let made = Sinks(
        directory: audit.directory, retention: RecordRetention(audit.retention)
      ) { level, message, sink in
        logger.log(level: Logger.Level(level), "\(message)", metadata: ["sink": "\(sink)"])
      }
      sinks = made
      return made
    }
  }
}

extension GatewayStatus.Sink {
  init(_ sink: SinkStatus) {
    self.init()
    name = sink.name
    target = sink.target
    state =
      switch sink.state {
      case .starting: .starting
      case .delivering: .delivering
      case .failing: .failing
      case .stopped: .stopped
      }
    eventsDelivered = sink.eventsDelivered
    eventsFiltered = sink.eventsFiltered
    failures = sink.failures
    lagBytes = UInt64(clamping: sink.lagBytes)
    lagSeconds = sink.lagSeconds
    problem = sink.lastError
    gaps = sink.problems
  }
}

extension Logger.Level {
  init(_ level: SinkReportLevel) {
    self =
      switch level {
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
  }
}

extension RecordRetention {
  public init(_ configuration: RetentionConfiguration) {
    self.init()
    days = configuration.days
    bytesMax = configuration.bytesMax
    unread = configuration.unread == .keep ? .keep : .delete
  }
}

extension SinkSettings {
  public init(_ configuration: SinkConfiguration) {
    self.init(name: configuration.name, receiver: Receiver(configuration))
    if !configuration.include.isEmpty { include = Set(configuration.include.map(\.rawValue)) }
    contents = configuration.contents == .full ? .full : .facts
    start = configuration.start == .beginning ? .beginning : .now
  }
}

extension SinkSettings.Receiver {
  /// The configuration was checked to have one of the three.
  fileprivate init(_ configuration: SinkConfiguration) {
    if let syslog = configuration.syslog {
      var settings = SyslogSettings(
        host: syslog.address.host, port: syslog.address.port,
        tls: syslog.tls.map {
          .init(
            authorities: $0.authorities?.pem, certificate: $0.identity?.chain,
            key: $0.identity.map { SinkSecret($0.key.bytes) })
        })
      settings.facility = syslog.facility.number
      settings.appName = syslog.appName
      settings.enterpriseNumber = syslog.enterpriseNumber
      settings.messageBytesMax = syslog.messageBytesMax
      self = .syslog(settings)
    } else if let webhook = configuration.webhook {
      var settings = WebhookSettings(url: webhook.url, secret: SinkSecret(webhook.secret.bytes))
      settings.batch = webhook.batch
      settings.authorities = webhook.authorities?.pem
      self = .webhook(settings)
    } else {
      let file = configuration.jsonl ?? FileSinkConfiguration()
      var settings = FileSettings(path: file.path)
      settings.fileBytesMax = file.fileBytesMax
      settings.filesKept = file.filesKept
      self = .jsonl(settings)
    }
  }
}
