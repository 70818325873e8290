internal import Foundation

/// One claim's value, of whatever kind.
enum ClaimValue: Codable, Sendable, Equatable {
  case text(String)
  case number(Double)
  case boolean(Bool)
  case list([ClaimValue])
  case object([String: ClaimValue])
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([ClaimValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: ClaimValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    case .null: try container.encodeNil()
    }
  }

  var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  var seconds: Double? {
    if case .number(let number) = self { number } else { nil }
  }

  /// Texts of an array, or of one text with commas, semicolons or spaces.
  var texts: [String] {
    switch self {
    case .text(let text):
      text.split { ",; ".contains($0) }.map(String.init).filter { !$0.isEmpty }
    case .list(let values): values.compactMap(\.text)
    default: []
    }
  }
}

/// The claims of a token or of the user information endpoint.
struct Claims: Sendable, Equatable {
  var values: [String: ClaimValue]

  subscript(_ name: String) -> ClaimValue? { values[name] }

  /// A claim by its name, or by names joined with dots into nested objects. The plain name goes first: names of claims may
  /// hold dots themselves.
  func claim(at path: String) -> ClaimValue? {
    if let value = values[path] { return value }
    var value = ClaimValue.object(values)
    for name in path.split(separator: ".") {
      guard case .object(let members) = value, let next = members[String(name)] else { return nil }
      value = next
    }
    return value
  }
}
