/// A list of names or URIs and globs, prepared for asking about many of them.
struct NamePatterns {
  private(set) var exact: Set<[UInt8]> = []
  private(set) var globs: [(text: [UInt8], folded: [UInt8])] = []
  private var known: Set<[UInt8]> = []

  init(_ patterns: [String] = []) {
    for pattern in patterns { insert(pattern) }
  }

  /// Adds a name or glob. By its bytes: Swift's strings are equal when only their composition differs (é as one scalar
  /// or two), tools' names are not.
  mutating func insert(_ pattern: String) {
    let bytes = Array(pattern.utf8)
    guard known.insert(bytes).inserted else { return }
    if Glob.isGlob(pattern) {
      globs.append((bytes, NameFold.fold(pattern)))
    } else {
      exact.insert(bytes)
    }
  }

  var isEmpty: Bool { known.isEmpty }

  /// Whether everything matches.
  var isOpen: Bool { known.contains([UInt8(ascii: "*")]) }

  /// Whether `name` is one of the names, or matches a glob.
  func matches(_ name: [UInt8]) -> Bool {
    isOpen || exact.contains(name)
      || globs.contains { unsafe Glob.matches($0.text.span.bytes, name.span.bytes) }
  }

  /// Whether a folded name matches a glob once that is folded too.
  func matchesFolded(_ name: [UInt8]) -> Bool {
    globs.contains { unsafe Glob.matches($0.folded.span.bytes, name.span.bytes) }
  }

  /// Whether some name matches both this list and `pattern`, a name or a glob.
  func meets(_ pattern: String) -> Bool {
    let bytes = Array(pattern.utf8)
    guard Glob.isGlob(pattern) else { return matches(bytes) }
    if isOpen { return true }
    return exact.contains { unsafe Glob.matches(bytes.span.bytes, $0.span.bytes) }
      || globs.contains { Glob.intersect(String(decoding: $0.text, as: UTF8.self), pattern) }
  }
}
