internal import PlainJSON

/// A part of the configuration as it is in force, every default written out: what `sluice resolved` prints. Secrets stand in
/// it as the references that the file has.
enum ResolvedValue: Equatable {
  /// A number, a truth value or a word as YAML has it without quotes.
  case plain(String)
  case text(String)
  case list([ResolvedValue])
  case mapping([Member])

  struct Member: Equatable {
    var key: String
    var value: ResolvedValue
  }

  /// A list or mapping of nothing.
  var isEmpty: Bool { self == .list([]) || self == .mapping([]) }

  /// What a node of the file says, and nothing else.
  init(_ node: Node) {
    switch node.content {
    case .scalar(let scalar): self = scalar.isPlain ? .plain(scalar.text) : .text(scalar.text)
    case .list(let nodes): self = .list(nodes.map(ResolvedValue.init))
    case .mapping(let members):
      self = .mapping(members.map { Member(key: $0.key, value: ResolvedValue($0.value)) })
    }
  }

  /// A default, as it is shown in the schema.
  init(_ value: JSONValue) {
    switch value {
    case .string(let text): self = .text(text)
    case .null, .bool, .integer, .number: self = .plain(value.json)
    case .array(let values): self = .list(values.map(ResolvedValue.init))
    case .object(let members):
      self = .mapping(members.map { Member(key: $0.name, value: ResolvedValue($0.value)) })
    }
  }
}

extension ResolvedValue {
  /// The value as YAML, in blocks; lists of short scalars in one line.
  var yaml: String {
    var text = ""
    write(into: &text, indent: 0)
    return text
  }

  private func write(into text: inout String, indent: Int) {
    let space = String(repeating: " ", count: indent)
    switch self {
    case .plain, .text: text += space + inline + "\n"
    case .list(let values):
      for value in values {
        var inner = ""
        value.write(into: &inner, indent: indent + 2)
        text += space + "- " + inner.dropFirst(indent + 2)
      }
    case .mapping(let members):
      for member in members {
        let key = space + ResolvedValue.text(member.key).inline + ":"
        switch member.value {
        case .list(let values) where values.isEmpty: text += key + " []\n"
        case .mapping(let members) where members.isEmpty: text += key + " {}\n"
        case .list where member.value.isShort, .plain, .text:
          text += "\(key) \(member.value.inline)\n"
        case .list, .mapping:
          text += key + "\n"
          member.value.write(into: &text, indent: indent + 2)
        }
      }
    }
  }

  /// Whether it is a list of scalars that fits in a line.
  private var isShort: Bool {
    guard case .list(let values) = self else { return false }
    let areScalars = values.allSatisfy { value in
      switch value {
      case .plain, .text: true
      case .list, .mapping: false
      }
    }
    return areScalars && inline.count <= 72
  }

  private var inline: String {
    switch self {
    case .plain(let text): text.isEmpty ? "null" : text
    case .text(let text): Self.needsQuotes(text) ? JSONText.quoted(text) : text
    case .list(let values): "[" + values.map(\.inline).joined(separator: ", ") + "]"
    case .mapping(let members):
      "{ " + members.map { "\($0.key): \($0.value.inline)" }.joined(separator: ", ") + " }"
    }
  }

  /// Whether YAML, or one of its older readers, would take the text without quotes for something else.
  private static func needsQuotes(_ text: String) -> Bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    if words.contains(text.lowercased()) || text.hasSuffix(":") { return true }
    if text.wholeMatch(of: /[0-9]+(ms|s|m|h|B|KiB|MiB|GiB)/) != nil { return false }
    return text.wholeMatch(of: /[A-Za-z\/._][A-Za-z0-9_.\/:@+*-]*/) == nil
      || text.wholeMatch(of: /[.][0-9.eE+-]*/) != nil
  }
}
