internal import Audit

/// What `sluice sessions list` and `show` do, without the argument parsing. Text is safe to print.
public struct SessionCommands: Sendable {
  public var catalog: SessionCatalog

  public init(catalog: SessionCatalog) { self.catalog = catalog }

  public static var listHeader: String { SessionLine.header }

  /// Prints the sessions that match, the latest first.
  /// - Parameters:
  ///   - json: lines of JSON instead of columns.
  ///   - print: gets one line at a time; `note` what is not part of the list.
  public func list(
    _ filter: SessionFilter, limit: Int, json: Bool, note: (String) -> Void,
    print: (String) -> Void
  ) throws(RecorderError) {
    let list = try catalog.list(filter, limit: limit)
    for warning in list.warnings { note(warning) }
    for session in list.sessions {
      print(json ? SessionLine.json(of: session) : SessionLine.text(of: session))
    }
    if list.sessions.isEmpty { note("no session matches") }
    if list.isCut { note("only the latest \(limit) are shown; --count shows more") }
  }

  /// Prints a session's calls in the order in which they began.
  /// - Parameters:
  ///   - bodyWidth: characters of each request and answer; nil for all of them, laid out over lines.
  ///   - json: a line of JSON for each call, bodies whole.
  public func show(
    _ reference: String, bodyWidth: Int?, json: Bool, print: (String) -> Void
  ) throws {
    if !json {
      for line in SessionLine.heading(of: try catalog.session(reference)) { print(line) }
      print("")
    }
    try catalog.timeline(reference) { call in
      if json {
        print(CallJSON.text(of: call))
      } else {
        for line in SessionLine.lines(of: call, bodyWidth: bodyWidth) { print(line) }
      }
      return true
    }
  }
}

extension SessionFilter {
  /// Nanoseconds since 1970 of a moment: `2026-11-26`, `2026-11-26T10:30`, `2026-11-26T10:30:05` (UTC, with or without Z);
  /// nil for anything else.
  public static func nanoseconds(ofMoment text: String) -> UInt64? {
    RecordedTime.nanoseconds(of: text)
  }
}
