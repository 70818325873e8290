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
