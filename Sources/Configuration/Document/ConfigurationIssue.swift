public import Policy

/// One thing wrong with, or worth a second look in, a configuration: where, what, and the way out.
public struct ConfigurationIssue: Equatable, Sendable {
  /// Where it is written; nil when it is nowhere (an empty file), or comes from a flag.
  public var position: SourcePosition?
  /// The flag of the command line it comes from, with its dashes.
  public var flag: String?
  /// The key it is about, from the top: `servers.orders.url`, `listeners[0].address`. Empty for the
  /// whole file.
  public var path: String
  /// One or two sentences that name the way out. Never holds a secret.
  public var message: String
  /// Whether the line it is written on may be shown. Not when a secret may stand there.
  public var showsSource: Bool

  init(
    origin: Node.Origin? = nil, path: String, message: String, showsSource: Bool = true
  ) {
    position = origin?.position
    flag = if case .flag(let name) = origin { name } else { nil }
    self.path = path
    self.message = message
    self.showsSource = showsSource
  }
}

/// Everything that is wrong with a configuration, in the order of the file.
public struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
  /// Issues beyond this many are counted and not printed: the first few usually cause them.
  public static let printedMax = 50

  public let issues: [ConfigurationIssue]
  /// The issues as a person reads them, with the lines of the file they are about.
  public let description: String
  /// The files that the configuration refers to, as far as it was read: they may be what has to change.
  public let files: [String]

  init(_ issues: [ConfigurationIssue], in source: SourceText, files: [String] = []) {
    self.files = files
    self.issues = issues.sorted(by: ConfigurationIssue.areInOrder)
    let rest = issues.count - Self.printedMax
    description =
      self.issues.prefix(Self.printedMax).map { $0.rendered(in: source) }.joined(separator: "\n")
      + (rest > 0 ? "\n… and \(rest) more" : "")
  }
}

extension ConfigurationIssue {
  static func areInOrder(_ left: ConfigurationIssue, _ right: ConfigurationIssue) -> Bool {
    let leftPlace = (left.position?.line ?? 0, left.position?.column ?? 0)
    let rightPlace = (right.position?.line ?? 0, right.position?.column ?? 0)
    return leftPlace < rightPlace
  }

  /// The issue as a compiler would print it:
  ///
  ///     sluice.yaml:12:5: servers.orders.url: the address has no host; write http://host:port/path
  ///        12 |     url: "http:///mcp"
  ///           |          ^
  func rendered(in source: SourceText) -> String {
    var head = flag ?? source.name
    if let position { head += ":\(position.line):\(position.column)" }
    let subject = path.isEmpty ? "" : "\(path): "
    var text = "\(head): \(subject)\(message)"
    if showsSource, let position, let excerpt = Excerpt(of: source, at: position) {
      text += "\n" + excerpt.text
    }
    return text
  }
}
