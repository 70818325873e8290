internal import Identity
internal import PlainJSON

/// What a value in the file may look like: how it is read, and how that is told to an editor.
///
/// Reading and the JSON Schema come from this one description, so that an editor accepts exactly
/// the keys that the gateway accepts. Shapes are built from smaller ones:
///
///     Shape.integer(1...1024)                      4
///     Shape.list(.name, atLeast: 1)                [orders, billing]
///     Shape.object(ServerConfiguration.self) {…}   { url: …, path: … }
struct Shape<Value> {
  /// The JSON Schema of the value, without description and default.
  var schema: JSONValue
  /// Reads the value. When it returns nil, it has reported at least one issue.
  var read: (Node, inout Reading) -> Value?
  /// A value as the file would say it: for the schema's defaults.
  var show: (Value) -> JSONValue? = { _ in nil }
  /// A value of the file, valid as it is, with every default inside it written out.
  var complete: (Node) -> ResolvedValue = { ResolvedValue($0) }
  /// A default where the file says nothing, when `show` alone cannot tell it.
  var completeMissing: ((Value) -> ResolvedValue?)?

  /// A default where the file says nothing.
  func missing(_ value: Value) -> ResolvedValue? {
    completeMissing.map { $0(value) } ?? show(value).map(ResolvedValue.init)
  }
}

extension Shape {
  /// The same shape for a value that is there or not: absence is the key's business.
  var optional: Shape<Value?> {
    Shape<Value?>(
      schema: schema, read: { node, reading in read(node, &reading) }, show: { $0.flatMap(show) },
      complete: complete, completeMissing: { $0.flatMap(missing) })
  }

  /// A value made of this one, when it can be: `convert` reports what is wrong.
  func map<Result>(
    schema: JSONValue? = nil, _ convert: @escaping (Value, Node, inout Reading) -> Result?
  ) -> Shape<Result> {
    var shape = Shape<Result>(schema: schema ?? self.schema) { node, reading in
      guard let value = read(node, &reading) else { return nil }
      return convert(value, node, &reading)
    }
    shape.complete = complete
    return shape
  }
}

/// A walk through the file: where it is, and what it has found wrong.
struct Reading {
  private(set) var issues: [ConfigurationIssue] = []
  private(set) var warnings: [ConfigurationIssue] = []
  /// Where each value was written, by its path, for issues found later.
  private(set) var origins: [String: Node.Origin] = [:]
  private(set) var path = ""
  /// How references to secrets are resolved.
  let secrets: SecretResolver
  /// Files beside the configuration whose content went into it, or would have.
  private(set) var files: [String] = []
  /// How each of them was just before it was read; nil for one that is not there.
  private(set) var stamps: [String: FileStamp?] = [:]
  private var hasher = Hasher()
  /// Authorities that were read already, by where from.
  var authorities: [String: TLSAuthorities] = [:]

  init(secrets: SecretResolver) {
    self.secrets = secrets
  }

  /// Notes a file that the configuration refers to and that is about to be read, so that a change of it is noticed.
  mutating func note(file: String) {
    guard !files.contains(file) else { return }
    files.append(file)
    stamps[file] = .some(FileStamp(file))
  }

  /// Notes what was read besides the file: a configuration counts as changed when that has.
  mutating func note(contents: [UInt8]) { hasher.combine(contents) }

  func contents(with text: String) -> Int {
    var hasher = hasher
    hasher.combine(text)
    return hasher.finalize()
  }

  mutating func report(_ origin: Node.Origin, _ message: String, showsSource: Bool = true) {
    issues.append(.init(origin: origin, path: path, message: message, showsSource: showsSource))
  }

  /// Reports about a value that was read before.
  mutating func report(at path: String, _ message: String) {
    issues.append(.init(origin: origin(of: path), path: path, message: message))
  }

  mutating func report(_ issue: ConfigurationIssue) {
    issues.append(issue)
  }

  mutating func warn(_ origin: Node.Origin, _ message: String) {
    warnings.append(.init(origin: origin, path: path, message: message, showsSource: false))
  }

  mutating func warn(at path: String, _ message: String) {
    warnings.append(
      .init(origin: origin(of: path), path: path, message: message, showsSource: false))
  }

  /// Where a value was written, or the innermost value around it that was.
  func origin(of path: String) -> Node.Origin? {
    Self.origin(of: path, in: origins)
  }

  static func origin(of path: String, in origins: [String: Node.Origin]) -> Node.Origin? {
    var path = Substring(path)
    while true {
      if let origin = origins[String(path)] { return origin }
      guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return origins[""] }
      path = path[..<cut]
    }
  }

  /// Reads a value with the path extended by a key.
  mutating func descend<Result>(
    _ key: String, _ node: Node, _ body: (Node, inout Reading) -> Result
  ) -> Result {
    descend(path: path.isEmpty ? key : "\(path).\(key)", node, body)
  }

  /// Reads an element with the path extended by its place.
  mutating func descend<Result>(
    _ index: Int, _ node: Node, _ body: (Node, inout Reading) -> Result
  ) -> Result {
    descend(path: "\(path)[\(index)]", node, body)
  }

  private mutating func descend<Result>(
    path inner: String, _ node: Node, _ body: (Node, inout Reading) -> Result
  ) -> Result {
    let outer = path
    path = inner
    origins[path] = node.origin
    defer { path = outer }
    return body(node, &self)
  }
}
