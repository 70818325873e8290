import Testing

@testable import Wire

@Suite("JSON index: agreement of kernels, cuts and an independent reader")
struct JSONDifferentialTests {
  /// Valid and damaged documents, long enough to cross blocks.
  static func corpus(seed: UInt64, count: Int) -> [[UInt8]] {
    var documents = JSONDocuments(seed: seed)
    var corpus: [[UInt8]] = []
    for _ in 0..<count {
      let document = documents.document()
      corpus.append(document)
      for _ in 0..<3 { corpus.append(documents.damaged(document)) }
    }
    return corpus
  }

  @Test("every kernel says what the slow reader says, about values too", arguments: runnableKernels)
  func reference(kernel: Int32) {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
    var valid = 0
    for document in Self.corpus(seed: 7, count: 1500) {
      let expected = ReferenceReader.read(document)
      let violation = unsafe index.read(document.span.bytes, watch: .none)
      check((violation == nil) == (expected != nil), "\(String(decoding: document, as: UTF8.self))")
      if violation == nil, let expected {
        valid += 1
        unsafe check(tree(index, index.root, in: document.span.bytes) == expected)
      }
    }
    check(valid > 1500)
  }

  @Test("kernels agree on the violation and its offset")
  func kernels() {
    for document in Self.corpus(seed: 11, count: 1500) {
      let results = runnableKernels.map { readJSON(document, kernel: $0) }
      check(
        results.allSatisfy { $0 == results[0] },
        "\(results) on \(String(decoding: document, as: UTF8.self))")
    }
  }

  @Test("every cut gives the same result", arguments: runnableKernels)
  func cuts(kernel: Int32) {
    for document in Self.corpus(seed: 13, count: 40) where document.count < 700 {
      let whole = readJSON(document, kernel: kernel)
      for cut in 0...document.count {
        check(
          readJSON(document, cuts: [cut], kernel: kernel) == whole,
          "cut at \(cut): \(String(decoding: document, as: UTF8.self))")
      }
    }
  }

  @Test(
    "cuts everywhere at once give the same result and the same tree", arguments: runnableKernels)
  func manyCuts(kernel: Int32) {
    var random = SeededGenerator(seed: 17)
    var index = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
    for document in Self.corpus(seed: 19, count: 300) {
      let whole = readJSON(document, kernel: kernel)
      var cuts: [Int] = []
      var at = 0
      while at < document.count {
        at += Int.random(in: 1...90, using: &random)
        cuts.append(min(at, document.count))
      }
      check(readJSON(document, cuts: cuts, index: &index) == whole)
      if whole == nil {
        unsafe check(
          tree(index, index.root, in: document.span.bytes) == ReferenceReader.read(document))
      }
    }
  }

  @Test("large documents, cut anywhere, over the tables' first size")
  func large() {
    var documents = JSONDocuments(seed: 23)
    var random = SeededGenerator(seed: 29)
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    for _ in 0..<6 {
      var document: [UInt8] = Array("[".utf8)
      while document.count < 60_000 {
        document += documents.document()
        document.append(UInt8(ascii: ","))
      }
      document += Array("0]".utf8)
      let cuts = (0..<9).map { _ in Int.random(in: 0...document.count, using: &random) }.sorted()
      check(readJSON(document, cuts: cuts, index: &index) == nil)
      unsafe check(
        tree(index, index.root, in: document.span.bytes) == ReferenceReader.read(document))
      let damaged = documents.damaged(document)
      check(readJSON(damaged, cuts: [], index: &index) == readJSON(damaged, kernel: 0))
    }
    // Nothing but tokens.
    let dense = Array(("[" + String(repeating: "1,", count: 40_000) + "1]").utf8)
    unsafe check(index.read(dense.span.bytes, watch: .none) == nil)
    check(index.tokenCount == 80_003)
  }

  @Test("UTF-8: every class of sequence, at every offset in a block", arguments: runnableKernels)
  func unicode(kernel: Int32) {
    let good: [[UInt8]] = [
      [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE1, 0x80, 0x80],
      [0xEC, 0xBF, 0xBF],
      [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF],
      [0xF0, 0x90, 0x80, 0x80],
      [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80],
      [0xF4, 0x8F, 0xBF, 0xBF],
    ]
    let bad: [[UInt8]] = [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xC2, 0xC2, 0x80],
      [0xC2, 0x80, 0x80],
      [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xE1, 0x41, 0x80],
      [0xED, 0xA0, 0x80],
      [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
      [0xF0, 0x90, 0x41, 0x80],
      [0xF1, 0x80, 0x80, 0x41], [0xF1, 0x80, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xF4, 0xBF, 0xBF, 0xBF], [0xE2, 0x82],
      [0xF0],
    ]
    for offset in 0..<134 {
      for tail in [0, 60, 70] {
        let head = Array("[\"".utf8) + [UInt8](repeating: 0x61, count: offset)
        let foot = [UInt8](repeating: 0x62, count: tail) + Array("\"]".utf8)
        for sequence in good {
          check(readJSON(head + sequence + foot, kernel: kernel) == nil)
        }
        for sequence in bad {
          let expected = JSONViolation(reason: .invalidUTF8, offset: 0).reason
          check(readJSON(head + sequence + foot, kernel: kernel)?.reason == expected)
        }
      }
    }
    // Cut off by the end of the document, which also lacks its closing quote.
    for sequence in [[0xC2], [0xE1, 0x80], [0xF1, 0x80, 0x80]] as [[UInt8]] {
      for offset in 0..<70 {
        let document = Array("[\"".utf8) + [UInt8](repeating: 0x61, count: offset) + sequence
        check(readJSON(document, kernel: kernel)?.reason == .invalidUTF8)
      }
    }
  }

  @Test("escapes at every offset in a block", arguments: runnableKernels)
  func escapes(kernel: Int32) {
    for offset in 0..<130 {
      let head = #"[""# + String(repeating: "a", count: offset)
      for good in [#"\\"#, #"\""#, #"\\\\\\"#, #"\\\""#, #"\ud83d\ude00"#, #"\u0041"#, #"\\ud800"#]
      {
        check(readJSON(Array((head + good + #"",1]"#).utf8), kernel: kernel) == nil)
      }
      for bad in [
        #"\ud83d"#, #"\ud83d\u0041"#, #"\ude00"#, #"\uzzzz"#, #"\x"#, #"\\\q"#, #"\u004"#,
      ] {
        check(readJSON(Array((head + bad + #"",1]"#).utf8), kernel: kernel) != nil)
      }
      // The quote after an odd run of backslashes does not end the string.
      check(readJSON(Array((head + #"\\\"]"#).utf8), kernel: kernel)?.reason == .unexpectedEnd)
    }
  }
}
