import Foundation
import Logging
import PlainJSON

/// Writes log events to standard error, one line each: as text for people, or as JSON for machines.
///
///     14:23:05.120 info     listening address=127.0.0.1:8080 io=io_uring workers=4
///     {"time":"2026-07-28T14:23:05.120Z","level":"info","message":"listening","address":"127.0.0.1:8080",…}
///
/// Control characters are escaped in both forms: nothing that came over the network can forge a line.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  private let format: LogFormat
  private let style: TextStyle
  private let write: @Sendable (String) -> Void

  init(
    format: LogFormat, level: Logger.Level, style: TextStyle = .standardError,
    write: @escaping @Sendable (String) -> Void = Terminal.writeError
  ) {
    self.format = format
    self.logLevel = level
    self.style = style
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
    if let more = event.metadata { fields.merge(more) { _, new in new } }
    if let error = event.error { fields["error"] = .string("\(error)") }
    let sorted = fields.sorted { $0.key < $1.key }.map { (name: $0.key, text: "\($0.value)") }
    switch format {
    case .text: write(textLine(event, sorted))
    case .json: write(jsonLine(event, sorted))
    }
  }

  private func textLine(_ event: LogEvent, _ fields: [(name: String, text: String)]) -> String {
    let time = Self.timestamp().dropFirst(11).dropLast(1)
    let level = event.level.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
    var line = "\(style.dim(String(time))) \(coloured(level, event.level)) "
    line += Self.printable("\(event.message)")
    for field in fields {
      let text = Self.printable(field.text)
      let needsQuotes = text.isEmpty || text.contains { " =\"".contains($0) }
      line += " " + style.dim(field.name + "=") + (needsQuotes ? Self.quoted(text) : text)
    }
    return line
  }

  private func jsonLine(_ event: LogEvent, _ fields: [(name: String, text: String)]) -> String {
    var members = [("time", Self.timestamp()), ("level", event.level.rawValue)]
    members.append(("message", "\(event.message)"))
    let taken = Set(members.map(\.0))
    members += fields.map { (taken.contains($0.name) ? "field_" + $0.name : $0.name, $0.text) }
    let texts = members.map { JSONText.quoted($0.0) + ":" + JSONText.quoted($0.1) }
    return "{" + texts.joined(separator: ",") + "}"
  }

  private func coloured(_ text: String, _ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: style.dim(text)
    case .info: style.green(text)
    case .notice: style.blue(text)
    case .warning: style.yellow(text)
    case .error, .critical: style.red(text)
    }
  }

  private static func timestamp() -> String {
    Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\"", with: "\\\"") + "\""
  }

  /// The text with every control character as its escape.
  private static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return text
    }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.properties.generalCategory == .control {
        result += scalar.escaped(asASCII: true)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
}
