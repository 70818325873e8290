internal import Foundation

/// A moment as a page shows it: exactly, and how far away it is.
struct TimeText {
  /// `2026-11-26T18:07:19Z`, for programs.
  var machine: String
  /// `2026-11-26 18:07:19 UTC`.
  var exact: String
  /// `3 min ago`, `in 12 min`.
  var distance: String
  /// Seconds since 1970, for counting down in the browser.
  var epoch: Int

  init(_ date: Date, now: Date) {
    let style = Date.ISO8601FormatStyle()
    machine = date.formatted(style)
    exact = machine.replacing("T", with: " ").replacing("Z", with: " UTC")
    let seconds = Int(date.timeIntervalSince(now).rounded())
    distance = seconds > 0 ? "in \(TimeText.length(seconds))" : "\(TimeText.length(-seconds)) ago"
    epoch = Int(date.timeIntervalSince1970.rounded())
  }

  static func length(_ seconds: Int) -> String {
    switch seconds {
    case ..<60: "\(seconds) s"
    case ..<3600: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    default: "\(seconds / 86_400) days"
    }
  }
}
