import Testing

@testable import Wire

/// Members of an object or array that goes on: the same as a document of these members alone.
@Suite("JSON index: members of what goes on")
struct JSONMembersTests {
  struct Hit: Equatable {
    var kind: JSONHit.Kind
    var token: UInt32
    var container: UInt32
  }

  private func hits(_ index: borrowing JSONIndex) -> [Hit] {
    (0..<index.hitCount).map {
      let hit = index.hit($0)
      return Hit(kind: hit.kind, token: hit.token.index, container: hit.container.index)
    }
  }

  private func members(_ document: [UInt8], _ index: borrowing JSONIndex) -> [ReferenceValue] {
    let bytes = unsafe document.span.bytes
    let isObject = document[0] == UInt8(ascii: "{")
    var found: [ReferenceValue] = []
    var token = 1
    while token < index.tokenCount - 1 {
      if isObject { found.append(.string(text(index, JSONToken(token), in: bytes))) }
      let value = JSONToken(isObject ? token + 2 : token)
      found.append(tree(index, value, in: bytes))
      token = Int(index.tokenAfter(value).index) + 1
    }
    return found
  }

  /// Rows as an array, or as the values of an object; then something that the message goes on with.
  private func document(_ seed: UInt64) -> (bytes: [UInt8], end: Int)? {
    var rows = JSONShapeTests.Rows(seed: seed)
    var text = rows.rows(depth: 0, count: 12)
    if seed % 3 == 1 {
      let members = (0..<12).map { #""row \#($0)" : \#(rows.row(depth: 0))"# }
      text = "{" + members.joined(separator: " , ") + "}"
    }
    guard readJSON(text) == nil else { return nil }
    let more =
      #" , "isError": false , "more": "it's \" more" }  , [1, 2, 3, 4, 5, 6, 7, 8, 9], "#
      + String(repeating: "and so on ", count: 60)
    return (Array((text + more).utf8), text.utf8.count)
  }

  @Test("wherever the document is cut", arguments: runnableKernels)
  func cuts(kernel: Int32) {
    var watch = JSONWatch()
    for name in ["email", "name", "customer_id", "é"] { watch.insert(name) }
    var index = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
    var other = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
    var random = SeededGenerator(seed: 31)
    var taken = 0
    var ended = 0
    for seed in 0..<150 as Range<UInt64> {
      guard let (bytes, end) = document(seed) else { continue }
      for _ in 0..<12 {
        let cut = Int.random(in: 0...bytes.count, using: &random)
        // A copy: nothing past the cut may be looked at.
        let piece = Array(bytes[..<cut])
        let count = unsafe index.readMembers(piece.span.bytes, watch: watch, depthMax: 64)
        guard count > 0 else { continue }
        taken += 1
        let whole = Array(bytes[..<count]) + [bytes[0] + 2]
        let violation = unsafe other.read(whole.span.bytes, watch: watch)
        check(violation == nil, "\(String(decoding: whole, as: UTF8.self))")
        check(hits(index) == hits(other))
        check(index.tokenCount == other.tokenCount)
        check(members(piece, index) == members(whole, other))
        if count == end - 1 { ended += 1 }
      }
    }
    check(taken > 400 && ended > 100, "\(taken) taken, \(ended) of them to the end")
  }

  @Test("nothing is taken of what is wrong, too deep or not complete")
  func refused() {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    let rows = String(repeating: #"{"a":[1,2,{"b":"c"}]},"#, count: 20)
    func taken(_ text: String, depthMax: Int = 64) -> Int {
      unsafe index.readMembers(Array(text.utf8).span.bytes, watch: .none, depthMax: depthMax)
    }
    check(taken("[" + rows) > 300)
    check(taken("[" + rows, depthMax: 4) > 300)
    check(taken("[" + rows, depthMax: 3) == 0)
    check(taken("[" + rows + #"{"a":1,"a":2},"# + rows) == 0)
    check(taken("[" + rows + "nonsense, " + rows) == 0)
    check(taken(#"[{"long":""# + String(repeating: "x", count: 500)) == 0)
    check(taken("[" + String(repeating: " ", count: 300)) == 0)
    check(taken("[]" + String(repeating: " ", count: 300)) == 0)
    check(taken("[") == 0 && taken("") == 0)
    // The limit is this document's alone.
    check(readJSON("[[[[1]]]]") == nil)
    let deep = Array("[[[[1]]]]".utf8)
    check(unsafe index.read(deep.span.bytes, watch: .none) == nil)
  }
}
