import ArgumentParser
import Logging
import SluiceConfiguration

/// How log lines look.
enum LogFormat: String, CaseIterable, Sendable, ExpressibleByArgument {
  case text
  case json

  init(_ format: LogConfiguration.Format) {
    self =
      switch format {
      case .text: .text
      case .json: .json
      }
  }
}

extension LogFormat {
  /// Makes every logger of this process write lines of this form. Call it once, before the first logger is made.
  func bootstrap(level: LogLevel) {
    LoggingSystem.bootstrap { _ in LineLogHandler(format: self, level: level.level) }
  }
}

/// The least important events to log; the names are those of swift-log.
enum LogLevel: String, CaseIterable, Sendable, ExpressibleByArgument {
  case trace, debug, info, notice, warning, error, critical

  init(_ level: LogConfiguration.Level) {
    self =
      switch level {
      case .trace: .trace
      case .debug: .debug
      case .info: .info
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      case .critical: .critical
      }
  }

  var level: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    case .critical: .critical
    }
  }
}
