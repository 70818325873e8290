import Foundation
import Policy
import Yams

/// Turns YAML text into a `Node` tree, or says why that cannot be done.
///
/// Accepted is the plain part of YAML that people read the same way machines do: one document of
/// mappings, lists and scalars. Anchors, aliases and tags are refused: nothing in the file then
/// means something that is written elsewhere, and a small file cannot unfold into a big one.
///
///     servers: &all {…}     -> 1:10: anchors and aliases are not used here …
///     tools: [*]            -> 1:9:  … quote it: "*"
struct NodeComposer {
  /// Deepest nesting; the deepest key of the schema lies at nine.
  static let depthMax = 32

  /// Most nodes of a file: what the largest file can hold of the shortest values, generously.
  let nodesMax: Int

  private var nodeCount = 0
  private var foundAnchor = false
  private(set) var issues: [ConfigurationIssue] = []

  init(nodesMax: Int = 1 << 20) {
    self.nodesMax = nodesMax
  }

  /// The tree, or nil with `issues` saying why.
  mutating func compose(_ text: String) -> Node? {
    do {
      try refuseAnchors(in: text)
      guard issues.isEmpty else { return nil }
      // The nodes hold their anchors weakly: they are there for as long as the parser is.
      let parser = try Parser(yaml: text)
      return try withExtendedLifetime(parser) {
        guard let root = try parser.singleRoot() else {
          issues.append(.init(path: "", message: Self.emptyFile))
          return nil
        }
        let node = convert(root, depth: 0)
        return issues.isEmpty ? node : nil
      }
    } catch {
      issues.append(Self.issue(for: error))
      return nil
    }
  }

  static let emptyFile =
    "the file says nothing; `sluice init` writes a commented configuration to start from"

  /// Looks for anchors in a copy of the text in which every `*` is another character, so that no
  /// alias exists in it.
  ///
  /// With aliases resolved, a few lines of anchors can stand for more nodes than there is memory,
  /// and the composer compares mapping keys by value. So the question must be settled before a text
  /// with aliases is composed. The copy has the same lines and columns.
  private mutating func refuseAnchors(in text: String) throws {
    guard text.utf8.contains(UInt8(ascii: "*")), text.utf8.contains(UInt8(ascii: "&")) else {
      return
    }
    let copy = String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0 == "*" ? "\u{2217}" : $0 }))
    let parser = try Parser(yaml: copy)
    try withExtendedLifetime(parser) {
      if let root = try parser.singleRoot() { findAnchors(in: root) }
    }
  }

  private mutating func findAnchors(in node: Yams.Node) {
    if node.anchor != nil { return refuseAnchor(node) }
    switch node {
    case .scalar, .alias: break
    case .sequence(let sequence):
      for element in sequence { findAnchors(in: element) }
    case .mapping(let mapping):
      for (key, value) in mapping {
        findAnchors(in: key)
        findAnchors(in: value)
      }
    }
  }

  /// Complains about the first anchor: whoever uses them uses many.
  private mutating func refuseAnchor(_ node: Yams.Node) {
    guard !foundAnchor else { return }
    foundAnchor = true
    report(
      node,
      "anchors and aliases (&name, *name) are not used here: write the value out; if the & belongs to it, quote it"
    )
  }

  private mutating func report(_ node: Yams.Node, _ message: String) {
    issues.append(.init(origin: Self.origin(node), path: "", message: message))
  }

  private static func origin(_ node: Yams.Node) -> Node.Origin {
    .file(SourcePosition(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
  }

  private mutating func convert(_ node: Yams.Node, depth: Int) -> Node {
    let origin = Self.origin(node)
    var content = Node.Content.list([])
    nodeCount += 1
    guard nodeCount <= nodesMax else {
      if nodeCount == nodesMax + 1 {
        report(node, "the file has more than \(nodesMax) values")
      }
      return Node(content: content, origin: origin)
    }
    if node.anchor != nil {
      refuseAnchor(node)
    } else if depth > Self.depthMax {
      report(node, "nested more than \(Self.depthMax) levels deep")
    } else {
      switch node {
      case .scalar(let scalar): content = .scalar(convert(scalar, node))
      case .sequence(let sequence):
        content = .list(sequence.map { convert($0, depth: depth + 1) })
      case .mapping(let mapping):
        content = .mapping(mapping.compactMap { convert(key: $0, value: $1, depth: depth + 1) })
      case .alias:
        refuseAnchor(node)
      }
    }
    return Node(content: content, origin: origin)
  }

  private mutating func convert(_ scalar: Yams.Node.Scalar, _ node: Yams.Node) -> Node.Scalar {
    let isPlain = scalar.style == .plain || scalar.style == .any
    let standard: [Tag.Name] = [.str, .int, .float, .bool, .null, .timestamp, .merge, .value]
    if !standard.contains(where: { Tag($0) == node.tag }) {
      report(node, "tags (!name) are not used here: write the plain value")
    }
    return Node.Scalar(text: scalar.string, isPlain: isPlain)
  }

  private mutating func convert(key: Yams.Node, value: Yams.Node, depth: Int) -> Node.Member? {
    guard case .scalar(let scalar) = key else {
      report(key, "a key must be a single word, and not a list or a mapping")
      return nil
    }
    let value = convert(value, depth: depth)
    return Node.Member(key: scalar.string, keyOrigin: Self.origin(key), value: value)
  }
}

extension NodeComposer {
  /// Puts the library's account of what is wrong into words that say what to do.
  private static func issue(for error: any Error) -> ConfigurationIssue {
    guard let error = error as? YamlError else {
      return .init(path: "", message: "not valid YAML: \(error)")
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return .init(origin: origin(mark), path: "", message: message(for: problem))
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
      return .init(
        origin: origin(context.mark), path: "",
        message: "\(names) is written more than once in this mapping (first here); keep one of them"
      )
    case .reader(let problem, _, _, _):
      return .init(path: "", message: "not valid YAML: \(problem)")
    default:
      return .init(path: "", message: "not valid YAML")
    }
  }

  private static func origin(_ mark: Mark) -> Node.Origin {
    .file(SourcePosition(line: mark.line, column: mark.column))
  }

  private static func message(for problem: String) -> String {
    let help: [(String, String)] = [
      (
        "cannot start any token",
        "this character cannot stand here; indent with spaces (YAML has no tabs) and quote values that begin with "
          + "@, ` or %"
      ),
      (
        "did not find expected alphabetic or numeric character",
        "a * or & without quotes means something else in YAML; quote it: \"*\""
      ),
      (
        "undefined alias",
        "a * at the beginning of a value means something else in YAML; quote it: \"*\""
      ),
      ("another document", "a second document begins here (---); the file has one"),
      (
        "mapping values are not allowed",
        "a \": \" cannot stand here; check the indentation of this line, or quote the value"
      ),
      (
        "did not find expected key",
        "a key was expected here; check the indentation of this line and the one above"
      ),
      (
        "did not find expected ',' or",
        "a comma or the closing bracket is missing; quote a value that holds one of , : { } [ ]"
      ),
      ("did not find expected node content", "a value was expected here"),
      ("Maximum nesting level", "nested too deep"),
      ("could not find expected ':'", "a \":\" is missing after the key"),
      (
        "unexpected end of stream",
        "the file ends inside a quoted text; its closing quote is missing"
      ),
    ]
    for (part, advice) in help where problem.contains(part) {
      return advice
    }
    return "not valid YAML: \(problem)"
  }
}
