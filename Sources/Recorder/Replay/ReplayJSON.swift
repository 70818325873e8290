internal import Foundation

/// A JSON value, to be compared with another.
enum ReplayJSON: Equatable, Decodable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case list([ReplayJSON])
  case object([String: ReplayJSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let boolean = try? value.decode(Bool.self) {
      self = .boolean(boolean)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let list = try? value.decode([ReplayJSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: ReplayJSON].self))
    }
  }

  init?(_ bytes: some Sequence<UInt8>) {
    guard let value = try? JSONDecoder().decode(ReplayJSON.self, from: Data(bytes)) else {
      return nil
    }
    self = value
  }

  subscript(_ key: String) -> ReplayJSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// Short, for a line about a difference.
  var summary: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value):
      value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .string(let text):
      "\"" + SafeText.line(String(text.prefix(60))) + (text.count > 60 ? "…\"" : "\"")
    case .list(let values): "a list of \(values.count)"
    case .object(let members): "an object of \(members.count)"
    }
  }

  /// The answer in a body: the message itself, or the one in an event stream that answers `id`.
  static func answer(in body: [UInt8], to id: ReplayJSON?) -> ReplayJSON? {
    if let message = ReplayJSON(body) { return message }
    var data = ""
    var found: ReplayJSON?
    let lines = String(decoding: body, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for line in lines + [""] {
      if line.hasPrefix("data:") {
        data += line.dropFirst(line.hasPrefix("data: ") ? 6 : 5)
      } else if line.isEmpty {
        let message = ReplayJSON(data.utf8)
        data = ""
        guard let message, message["result"] != nil || message["error"] != nil else { continue }
        if id == nil || message["id"] == id { found = message }
      }
    }
    return found
  }
}

/// Where two answers differ.
struct ReplayDifferences: Equatable {
  /// Lines `path: recorded, now`; at most `linesMax`.
  private(set) var lines: [String] = []
  private(set) var count = 0
  /// Values that the record holds masked, so that nobody can tell.
  private(set) var masked = 0

  static let linesMax = 20

  init(recorded: ReplayJSON, now: ReplayJSON, mayBeMasked: Bool) {
    compare(recorded, now, "$", mayBeMasked)
  }

  private mutating func compare(
    _ recorded: ReplayJSON, _ now: ReplayJSON, _ path: String, _ mayBeMasked: Bool
  ) {
    switch (recorded, now) {
    case (.object(let left), .object(let right)):
      for key in Set(left.keys).union(right.keys).sorted() {
        let inner = path + "." + key
        switch (left[key], right[key]) {
        case (let left?, let right?): compare(left, right, inner, mayBeMasked)
        case (let left?, nil): note(inner, "recorded \(left.summary), now nothing")
        case (nil, let right?): note(inner, "recorded nothing, now \(right.summary)")
        case (nil, nil): break
        }
      }
    case (.list(let left), .list(let right)):
      for index in 0..<min(left.count, right.count) {
        compare(left[index], right[index], "\(path)[\(index)]", mayBeMasked)
      }
      if left.count != right.count {
        note(path, "recorded \(left.count) elements, now \(right.count)")
      }
    case (let left, let right) where left == right: break
    case (.string(let left), _) where mayBeMasked && Self.isMasked(left): masked += 1
    case (.number(0), .number), (.boolean(false), .boolean):
      // What masks put in place of numbers and booleans.
      if mayBeMasked {
        masked += 1
      } else {
        note(path, "recorded \(recorded.summary), now \(now.summary)")
      }
    case (.string(let left), .string(let right)): compare(text: left, right, path, mayBeMasked)
    default: note(path, "recorded \(recorded.summary), now \(now.summary)")
    }
  }

  /// Texts that are JSON themselves are compared as such: that is where servers put rows.
  private mutating func compare(
    text recorded: String, _ now: String, _ path: String, _ mayBeMasked: Bool
  ) {
    if recorded.first == "{" || recorded.first == "[", let left = ReplayJSON(recorded.utf8),
      let right = ReplayJSON(now.utf8)
    {
      return compare(left, right, path + "(json)", mayBeMasked)
    }
    if mayBeMasked, recorded.contains("[redacted]") {
      masked += 1
    } else {
      note(
        path,
        "recorded \(ReplayJSON.string(recorded).summary), now \(ReplayJSON.string(now).summary)")
    }
  }

  private static func isMasked(_ text: String) -> Bool {
    text.contains("[redacted]") || text.hasPrefix("***")
  }

  private mutating func note(_ path: String, _ what: String) {
    count += 1
    if lines.count < Self.linesMax { lines.append("\(SafeText.line(path)): \(what)") }
  }
}
