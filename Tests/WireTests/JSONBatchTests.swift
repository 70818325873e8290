import Testing

@testable import Wire

@Suite struct JSONBatchTests {
  private func read(_ text: String) -> (JSONBatch.Outcome, [String]) {
    let bytes = Array(text.utf8)
    var batch = JSONBatch()
    let outcome = unsafe batch.read(bytes.span.bytes)
    return (
      outcome,
      (0..<batch.count).map { String(decoding: bytes[batch[$0].range], as: UTF8.self) }
    )
  }

  @Test func elementsAreFoundWhateverIsInThem() {
    #expect(
      read(#" [ {"a":"]\"},["} , {"b":[1,{"c":[]}]} ] "#) == (
        .elements, [#"{"a":"]\"},["}"#, #"{"b":[1,{"c":[]}]}"#]
      ))
    #expect(read("[]") == (.elements, []))
    #expect(read("[\n\t]\r\n") == (.elements, []))
    #expect(read("[1,2]") == (.elements, ["1", "2"]))
    #expect(read(#"["\\",{}]"#) == (.elements, [#""\\""#, "{}"]))
  }

  @Test(arguments: [
    "", " ", "{}", "[", "[{}", "[{}]]", "[{}] x", "[{}][{}]", "[,]", "[{},]", "[,{}]", "[{},,{}]",
    "[{}}]",
    #"["a]"#, #"["a\"]"#, #"["a\"#, "[{]", "]", "[{} ,", "[[]", "[{\"a\":1]",
  ])
  func whatIsNoArrayIsMalformed(text: String) {
    #expect(read(text).0 == .malformed)
  }

  @Test func thereIsALimit() {
    let most = Array(repeating: "{}", count: JSONBatch.elementsMax)
    #expect(read("[\(most.joined(separator: ","))]").1 == most)
    #expect(read("[\((most + ["{}"]).joined(separator: ","))]").0 == .tooMany)
  }

  /// Whatever the elements are: when each is strict JSON, so is the whole.
  @Test(arguments: Array(1...40) as [UInt64])
  func strictElementsMakeAStrictWhole(seed: UInt64) {
    var random = Numbers(seed)
    for _ in 0..<400 {
      let letters = Array(#"[]{},:"\ 1ab"#.utf8)
      var bytes = Array("[".utf8)
      for _ in 0..<random.below(14) { bytes.append(letters[random.below(letters.count)]) }
      bytes.append(UInt8(ascii: "]"))
      var batch = JSONBatch()
      guard unsafe batch.read(bytes.span.bytes) == .elements else { continue }
      var index = JSONIndex(limits: JSONLimits(root: .anyValue))
      let areStrict = (0..<batch.count).allSatisfy { number in
        let element = Array(bytes[batch[number].range])
        return unsafe index.read(element.span.bytes, watch: .none) == nil
      }
      let isStrict = unsafe index.read(bytes.span.bytes, watch: .none) == nil
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(areStrict == isStrict, "\(text)")
    }
  }

  private struct Numbers {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func below(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(limit))
    }
  }
}
