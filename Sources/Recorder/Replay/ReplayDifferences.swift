internal import Foundation

/// A list in an answer that policy may have taken entries out of.
struct ReplayList: Equatable {
  /// The member of the result that holds it, and the member of an entry that names the entry.
  let key: String
  let identity: String
  /// How many entries were taken out.
  let hidden: Int

  /// Nil for methods that list nothing.
  init?(_ method: String, hidden: Int) {
    self.hidden = hidden
    switch method {
    case "tools/list": (key, identity) = ("tools", "name")
    case "prompts/list": (key, identity) = ("prompts", "name")
    case "resources/list": (key, identity) = ("resources", "uri")
    case "resources/templates/list": (key, identity) = ("resourceTemplates", "uriTemplate")
    default: return nil
    }
  }
}

/// Where two answers differ: one as the agent got it, one as the server gives it now.
struct ReplayDifferences: Equatable {
  /// Lines `path: recorded, now`; at most `linesMax`.
  private(set) var lines: [String] = []
  private(set) var count = 0
  private(set) var uncompared = Replay.Uncompared()
  private let mayBeMasked: Bool
  private let list: ReplayList?

  static let linesMax = 20

  init(recorded: ReplayJSON, now: ReplayJSON, mayBeMasked: Bool, list: ReplayList? = nil) {
    self.mayBeMasked = mayBeMasked
    self.list = list
    compare(recorded, now, "$")
  }

  private mutating func compare(_ recorded: ReplayJSON, _ now: ReplayJSON, _ path: String) {
    switch (recorded, now) {
    case (.object(let left), .object(let right)): compare(left, right, path)
    case (.list(let left), .list(let right)):
      if let list, list.hidden > 0, path == "$.result.\(list.key)" {
        return compare(left, right, path, list)
      }
      for index in 0..<min(left.count, right.count) {
        compare(left[index], right[index], "\(path)[\(index)]")
      }
      if left.count != right.count {
        note(path, "recorded \(left.count) elements, now \(right.count)")
      }
    case (let left, let right) where left == right: break
    case (.string(let left), .string(let right)): compare(text: left, right, path)
    case (.string(let left), _) where mayBeMasked && Self.isMasked(left): uncompared.masked += 1
    case (.number(0), .number), (.boolean(false), .boolean):
      // What masks put in place of numbers and booleans.
      if mayBeMasked {
        uncompared.masked += 1
      } else {
        note(path, "recorded \(recorded.summary), now \(now.summary)")
      }
    default: note(path, "recorded \(recorded.summary), now \(now.summary)")
    }
  }

  private mutating func compare(
    _ recorded: [String: ReplayJSON], _ now: [String: ReplayJSON], _ path: String
  ) {
    for key in Set(recorded.keys).union(now.keys).sorted() {
      let inner = path + "." + key
      switch (recorded[key], now[key]) {
      case (.string, .string) where CarriedValues.isCarried(key, at: path): break
      case (let left?, let right?): compare(left, right, inner)
      case (let left?, nil): note(inner, "recorded \(left.summary), now nothing")
      case (nil, let right?): note(inner, "recorded nothing, now \(right.summary)")
      case (nil, nil): break
      }
    }
  }

  /// Each recorded entry with the one of the same name; of the others there must be as many as were taken out.
  private mutating func compare(
    _ recorded: [ReplayJSON], _ now: [ReplayJSON], _ path: String, _ list: ReplayList
  ) {
    var rest = now
    for (index, entry) in recorded.enumerated() {
      let inner = "\(path)[\(index)]"
      guard let place = rest.firstIndex(where: { $0[list.identity] == entry[list.identity] }) else {
        note(inner, "recorded \(entry[list.identity]?.summary ?? entry.summary), now nothing")
        continue
      }
      compare(entry, rest.remove(at: place), inner)
    }
    uncompared.hidden += min(rest.count, list.hidden)
    if rest.count != list.hidden {
      note(path, "\(list.hidden) entries more that policy did not list, now \(rest.count) more")
    }
  }

  /// Texts that are JSON themselves are compared as such, and so are those in Base64: that is where servers put rows.
  private mutating func compare(text recorded: String, _ now: String, _ path: String) {
    if recorded.first == "{" || recorded.first == "[", let left = ReplayJSON(recorded.utf8),
      let right = ReplayJSON(now.utf8)
    {
      return compare(left, right, path + "(json)")
    }
    if mayBeMasked, Self.isMasked(recorded) {
      uncompared.masked += 1
    } else if mayBeMasked, let left = Self.decoded(recorded), let right = Self.decoded(now) {
      compare(.string(left), .string(right), path + "(base64)")
    } else {
      note(
        path,
        "recorded \(ReplayJSON.string(recorded).summary), now \(ReplayJSON.string(now).summary)")
    }
  }

  private static func decoded(_ text: String) -> String? {
    Data(base64Encoded: text).flatMap { $0.isEmpty ? nil : String(data: $0, encoding: .utf8) }
  }

  private static func isMasked(_ text: String) -> Bool {
    text.contains("[redacted]") || text.hasPrefix("***")
  }

  private mutating func note(_ path: String, _ what: String) {
    count += 1
    if lines.count < Self.linesMax { lines.append("\(SafeText.line(path)): \(what)") }
  }
}
