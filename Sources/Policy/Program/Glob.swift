/// Patterns for names: `*` stands for any text, also none, `?` for exactly one character (Unicode scalar),
/// everything else for itself. Case counts. There is no escape: no tool's name may hold `*` or `?`.
///
///     list_*   matches  list_orders, list_      not  List_orders, my_list_orders
///     get_?    matches  get_a, get_é            not  get_, get_ab
enum Glob {
  private static let star = UInt8(ascii: "*")
  private static let question = UInt8(ascii: "?")

  /// Whether `name`, which is valid UTF-8, matches `pattern`.
  ///
  /// Two cursors and one mark to go back to: after a later `*` no earlier one has to be tried again, so the
  /// work is at most the product of the two lengths, both of which are bounded.
  static func matches(_ pattern: RawSpan, _ name: RawSpan) -> Bool {
    var inPattern = 0
    var inName = 0
    var afterStar = -1
    var resume = 0
    while inName < name.byteCount {
      let expected = inPattern < pattern.byteCount ? pattern.byte(inPattern) : 0
      if inPattern < pattern.byteCount && expected == star {
        inPattern &+= 1
        afterStar = inPattern
        resume = inName
      } else if inPattern < pattern.byteCount && expected == question {
        inPattern &+= 1
        inName &+= scalarLength(name.byte(inName))
      } else if inPattern < pattern.byteCount && expected == name.byte(inName) {
        inPattern &+= 1
        inName &+= 1
      } else if afterStar >= 0 {
        resume &+= scalarLength(name.byte(resume))
        inName = resume
        inPattern = afterStar
      } else {
        return false
      }
    }
    while inPattern < pattern.byteCount, pattern.byte(inPattern) == star { inPattern &+= 1 }
    return inPattern == pattern.byteCount
  }

  /// Bytes of the scalar that begins with `lead`.
  private static func scalarLength(_ lead: UInt8) -> Int {
    lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }
}

// MARK: - What two patterns have to do with each other; at load only

extension Glob {
  static func isGlob(_ text: String) -> Bool {
    text.utf8.contains { $0 == star || $0 == question }
  }

  static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    return unsafe matches(pattern.span.bytes, name.span.bytes)
  }

  /// Whether some name matches both patterns.
  static func intersect(_ left: String, _ right: String) -> Bool {
    let left = Array(left.unicodeScalars)
    let right = Array(right.unicodeScalars)
    // reachable[j]: whether the part of `left` done so far and the first j of `right` can stand for one text.
    var reachable = [Bool](repeating: false, count: right.count + 1)
    for i in 0...left.count {
      var next = [Bool](repeating: false, count: right.count + 1)
      for j in 0...right.count {
        if i == 0 && j == 0 {
          next[0] = true
          continue
        }
        let skipsLeftStar = i > 0 && left[i - 1] == "*" && reachable[j]
        let skipsRightStar = j > 0 && right[j - 1] == "*" && next[j - 1]
        let bothStep = i > 0 && j > 0 && reachable[j - 1] && meet(left[i - 1], right[j - 1])
        // A star of one side stands for one more element of the other.
        let leftStarTakes = i > 0 && j > 0 && left[i - 1] == "*" && next[j - 1]
        let rightStarTakes = i > 0 && j > 0 && right[j - 1] == "*" && reachable[j]
        next[j] = skipsLeftStar || skipsRightStar || bothStep || leftStarTakes || rightStarTakes
      }
      reachable = next
    }
    return reachable[right.count]
  }

  private static func meet(_ left: Unicode.Scalar, _ right: Unicode.Scalar) -> Bool {
    left == right || left == "?" || right == "?" || left == "*" || right == "*"
  }

  /// Whether every name that matches `inner` certainly matches `outer`. May say no where the answer is yes.
  static func covers(_ outer: String, _ inner: String) -> Bool {
    if outer.utf8.elementsEqual(inner.utf8) { return true }
    if !isGlob(inner) { return matches(outer, inner) }
    // Stars and question marks of `inner` taken as text: `outer` can only match them with wildcards of its own,
    // and a `?` of `outer` against a `*` of `inner` is the one case where that would prove too much.
    return matches(outer, inner) && !(outer.contains("?") && inner.contains("*"))
  }
}
