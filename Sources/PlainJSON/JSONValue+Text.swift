extension JSONValue {
  /// The value as compact JSON.
  public var json: String {
    var text = ""
    write(to: &text, indent: nil)
    return text
  }

  /// The value over lines, indented by two spaces.
  public var indented: String {
    var text = ""
    write(to: &text, indent: 0)
    return text
  }

  /// - Parameter indent: spaces before the value's own lines; nil for everything in one.
  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): text += JSONText.quoted(value)
    case .array(let elements):
      Self.write(elements, "[", "]", to: &text, indent) { $0.write(to: &$1, indent: $2) }
    case .object(let members):
      Self.write(members, "{", "}", to: &text, indent) { member, text, indent in
        text += JSONText.quoted(member.name) + (indent == nil ? ":" : ": ")
        member.value.write(to: &text, indent: indent)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], _ open: String, _ close: String, to text: inout String, _ indent: Int?,
    _ body: (Element, inout String, Int?) -> Void
  ) {
    func breakLine(_ spaces: Int) { text += "\n" + String(repeating: " ", count: spaces) }
    let inner = indent.map { $0 + 2 }
    text += open
    for (index, element) in elements.enumerated() {
      if index > 0 { text += "," }
      if let inner { breakLine(inner) }
      body(element, &text, inner)
    }
    if let indent, !elements.isEmpty { breakLine(indent) }
    text += close
  }
}
