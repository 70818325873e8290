internal import Foundation
internal import PlainJSON

/// A call's arguments laid out for a person: every value by its path, long and many-lined texts as blocks with their real
/// line breaks. Nothing is left out; where something is in another form, the view says so.
struct ArgumentsView {
  var rows: [Row] = []
  var hasRows = false
  /// The whole text, when it is not an object that can be taken apart.
  var whole: Whole?
  /// The canonical JSON that the digest covers.
  var canonical: [HostileText.Segment]
  var byteCount: String
  var isEmpty = false
  /// What a reader should know before reading.
  var warning: String?

  struct Row {
    var name: String
    var segments: [HostileText.Segment]
    /// The classes of its element: how it is laid out.
    var form = "inline"
    var isLong = false
    /// What a block is: "3 lines, 212 characters".
    var note: String?
  }

  struct Whole {
    var segments: [HostileText.Segment]

    init(_ text: String) { segments = HostileText.segments(text).segments }
  }

  /// Values beyond this many are shown as JSON instead.
  static let rowsMax = 300
  static let inlineCharactersMax = 72
  /// Lines after which a block scrolls by itself.
  static let longLines = 60

  init(_ json: String) {
    let (segments, odd) = HostileText.segments(json)
    canonical = segments
    byteCount = Plural.text(json.utf8.count, "byte")
    let tree = JSONTree.read(json)
    var oddInside = odd
    switch tree {
    case .object(let members):
      isEmpty = members.isEmpty
      var rows: [Row] = []
      let fits = members.allSatisfy { ArgumentsView.add($0.value, name: $0.name.path, to: &rows) }
      if fits {
        self.rows = rows
      } else {
        whole = Whole(tree!.pretty())
      }
      oddInside = max(odd, ArgumentsView.oddCount(tree!))
    case .some(let tree):
      whole = Whole(tree.pretty())
      oddInside = max(odd, ArgumentsView.oddCount(tree))
    case nil:
      whole = Whole(json)
    }
    hasRows = !rows.isEmpty
    warning = ArgumentsView.warning(odd: oddInside, isJSON: tree != nil)
  }

  private static func warning(odd: Int, isJSON: Bool) -> String? {
    if !isJSON { return "These arguments are not JSON. They are shown as the text they are." }
    guard odd > 0 else { return nil }
    let what = Plural.text(odd, "character")
    return "\(what) here cannot be seen or change how text reads; each is shown as \\u{…}."
  }

  /// - Returns: false when there is no room for more rows.
  private static func add(_ tree: JSONTree, name: String, to rows: inout [Row]) -> Bool {
    guard rows.count < rowsMax else { return false }
    switch tree {
    case .object(let members) where !members.isEmpty:
      return members.allSatisfy { add($0.value, name: name + $0.name.step, to: &rows) }
    case .array(let values) where !values.allSatisfy(\.isShort):
      return values.enumerated().allSatisfy {
        add($0.element, name: "\(name)[\($0.offset)]", to: &rows)
      }
    case .string(let text): rows.append(row(name, text: text))
    case .array(let values):
      let text = "[" + values.map { $0.pretty() }.joined(separator: ", ") + "]"
      rows.append(Row(name: name, segments: HostileText.segments(text).segments))
    default: rows.append(Row(name: name, segments: HostileText.segments(tree.pretty()).segments))
    }
    return true
  }

  private static func row(_ name: String, text: String) -> Row {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
    guard lines > 1 || text.count > inlineCharactersMax else {
      return Row(name: name, segments: HostileText.segments(JSONText.quoted(text)).segments)
    }
    let note =
      "\(Plural.text(lines, "line")), \(Plural.text(text.unicodeScalars.count, "character"))"
    return Row(
      name: name, segments: HostileText.segments(text).segments,
      form: lines > longLines ? "block long" : "block", isLong: lines > longLines,
      note: lines > longLines ? note + ", scroll to read all of it" : note)
  }

  private static func oddCount(_ tree: JSONTree) -> Int {
    switch tree {
    case .object(let members):
      members.reduce(0) { $0 + HostileText.segments($1.name).odd + oddCount($1.value) }
    case .array(let values): values.reduce(0) { $0 + oddCount($1) }
    case .string(let text): HostileText.segments(text).odd
    case .literal: 0
    }
  }
}

extension JSONTree {
  /// Whether it reads well inside a line among others.
  fileprivate var isShort: Bool {
    switch self {
    case .object(let members): members.isEmpty
    case .array(let values): values.isEmpty
    case .string(let text): text.count <= 40 && !text.contains("\n")
    case .literal: true
    }
  }
}

extension String {
  /// The first step of a path: a plain name as it is, any other in brackets, so that no key can pass for a path.
  fileprivate var path: String { isPlainName ? self : "[\(JSONText.quoted(self))]" }
  fileprivate var step: String { isPlainName ? "." + self : "[\(JSONText.quoted(self))]" }

  private var isPlainName: Bool {
    !isEmpty
      && utf8.allSatisfy { byte in
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
          || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
          || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
      }
  }
}

/// "1 line", "1,204 lines".
enum Plural {
  static func text(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  static func grouped(_ count: Int) -> String {
    let digits = Array(String(count))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0, digits[index - 1] != "-" { text += "," }
      text.append(digit)
    }
    return text
  }
}
