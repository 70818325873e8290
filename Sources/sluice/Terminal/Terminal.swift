import Foundation
import Glibc

/// Writing to the person at the other end. Every write is flushed at once, so that output read through a pipe
/// comes in time and in order.
enum Terminal {
  /// Writes one line (or several) to standard output. When nobody reads it any more (`sluice audit tail | head`), the
  /// process ends.
  static func write(_ text: String = "") {
    if !write(text, to: STDOUT_FILENO) { exit(CommandFailure.Status.failure.rawValue) }
  }

  /// Writes part of a line to standard output.
  static func write(bytes: [UInt8]) {
    if !write(bytes[...], to: STDOUT_FILENO) { exit(CommandFailure.Status.failure.rawValue) }
  }

  /// Writes one line (or several) to standard error. When nobody reads it any more, the text is lost and the process
  /// goes on: a gateway does not end because its log did.
  static func writeError(_ text: String) {
    _ = write(text, to: STDERR_FILENO)
  }

  /// Writes a question, behind which the answer is typed.
  static func ask(_ question: String) {
    if !write(question, to: STDOUT_FILENO, end: "") {
      exit(CommandFailure.Status.failure.rawValue)
    }
  }

  private static func write(_ text: String, to descriptor: Int32, end: String = "\n") -> Bool {
    write(Array((text + end).utf8)[...], to: descriptor)
  }

  private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Columns of the terminal that standard output goes to; nil when it goes elsewhere.
  static var width: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    let done = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
    return done == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Whether colours are wanted there: only on a terminal that can show them, and only if NO_COLOR is unset
  /// (https://no-color.org: any non-empty value turns colours off).
  static func wantsColour(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    guard environment["NO_COLOR", default: ""].isEmpty, environment["TERM"] != "dumb" else {
      return false
    }
    return isatty(descriptor) == 1
  }
}

/// Colours and weights, or none of them.
struct TextStyle: Sendable {
  var isColoured: Bool

  static var standardOutput: TextStyle {
    TextStyle(isColoured: Terminal.wantsColour(STDOUT_FILENO))
  }
  static var standardError: TextStyle {
    TextStyle(isColoured: Terminal.wantsColour(STDERR_FILENO))
  }

  func bold(_ text: String) -> String { wrap(text, "1") }
  func dim(_ text: String) -> String { wrap(text, "2") }
  func red(_ text: String) -> String { wrap(text, "31") }
  func green(_ text: String) -> String { wrap(text, "32") }
  func yellow(_ text: String) -> String { wrap(text, "33") }
  func blue(_ text: String) -> String { wrap(text, "36") }

  private func wrap(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
