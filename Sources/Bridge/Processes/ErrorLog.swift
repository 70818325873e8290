internal import Logging

/// What a server's process writes on its standard error, in the gateway's log: marked as the server's, cut to a sensible
/// length, not more than so many lines per second, and with the secrets it was given taken out. It never reaches an agent.
struct ErrorLog {
  static let lineBytesMax = 2048
  /// Lines at once, and per second from then on.
  static let burst = 100
  static let linesPerSecond = 20

  private let server: BridgedServer
  private let log: Logger
  private let secrets: [String]
  private var splitter = LineSplitter(bytesMax: ErrorLog.lineBytesMax)
  private var allowance = Allowance(burst: ErrorLog.burst, perSecond: ErrorLog.linesPerSecond)
  private var leftOut = 0

  init(_ server: BridgedServer, _ log: Logger) {
    self.server = server
    self.log = log
    // Shorter values (a flag, a language) are no secrets, and would be found everywhere.
    secrets = server.environment.values.filter { $0.utf8.count >= 8 && !$0.hasPrefix("/") }
  }

  mutating func take(_ bytes: [UInt8]) {
    for piece in splitter.push(bytes) { take(piece) }
  }

  mutating func finish() {
    for piece in splitter.finish() { take(piece) }
    tellLeftOut()
  }

  private mutating func take(_ piece: LineSplitter.Piece) {
    guard allowance.take() else {
      leftOut += 1
      return
    }
    tellLeftOut()
    switch piece {
    case .line(let bytes): say(Self.readable(bytes, without: secrets))
    case .tooLong: say("(a line of more than \(Self.lineBytesMax) bytes)")
    }
  }

  private mutating func tellLeftOut() {
    guard leftOut > 0 else { return }
    say("(\(leftOut) lines left out: more than \(Self.linesPerSecond) per second)")
    leftOut = 0
  }

  private func say(_ text: String) {
    log.info("server's standard error", metadata: ["server": "\(server.name)", "line": "\(text)"])
  }

  /// The line as text that cannot change the look of a terminal or forge a line of the log.
  static func readable(_ bytes: [UInt8], without secrets: [String]) -> String {
    var text = String(decoding: bytes, as: UTF8.self)
    for secret in secrets {
      text = text.split(separator: secret, omittingEmptySubsequences: false)
        .joined(separator: "[secret]")
    }
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var readable = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      readable.append(isControl(scalar) ? scalar == "\t" ? " " : "\u{FFFD}" : scalar)
    }
    return String(readable)
  }
}

/// So many at once, and so many per second from then on.
struct Allowance {
  private let burst: Double
  private let perSecond: Double
  private var left: Double
  private var last: ContinuousClock.Instant

  init(burst: Int, perSecond: Int, now: ContinuousClock.Instant = .now) {
    self.burst = Double(burst)
    self.perSecond = Double(perSecond)
    left = self.burst
    last = now
  }

  mutating func take(now: ContinuousClock.Instant = .now) -> Bool {
    let passed = (now - last) / .seconds(1)
    last = now
    left = min(burst, left + passed * perSecond)
    guard left >= 1 else { return false }
    left -= 1
    return true
  }
}
