/// The far end of a sink. Used on the sink's own thread, which every call may block for some seconds.
protocol SinkReceiver: AnyObject {
  /// Makes ready to deliver.
  func connect() throws(SinkError)
  /// Hands over events. When it returns, the receiver has them, or they are on their way: see `isTaken`.
  func deliver(_ events: [AuditEvent]) throws(SinkError)
  /// Looks after the connection while there is nothing to deliver.
  func check() throws(SinkError)
  /// A mark that counts what was handed over so far.
  var handedOver: UInt64 { get }
  /// Up to which mark the receiver has taken what it was handed.
  func taken() -> UInt64
}

extension SinkReceiver {
  func check() throws(SinkError) {}
}

extension SinkSettings {
  /// The receiver that these settings describe.
  func makeReceiver(gateway: String, pace: SinkPace) -> any SinkReceiver {
    switch receiver {
    case .syslog(let syslog):
      SyslogReceiver(
        syslog, gateway: gateway, contents: contents == .full,
        settleNanoseconds: UInt64(pace.settleMilliseconds) * 1_000_000)
    case .jsonl(let file): FileReceiver(file, gateway: gateway, contents: contents == .full)
    case .webhook(let webhook):
      WebhookReceiver(webhook, sink: name, gateway: gateway, contents: contents == .full)
    }
  }
}
