import Testing

@testable import Wire

/// Objects of one kind in a row are read by predicting their keys. These documents are made of such objects, and of every
/// way in which a prediction can be wrong.
@Suite("JSON index: predicted keys")
struct JSONShapeTests {
  struct Rows {
    var random: SeededGenerator
    var names: [String]
    let repeatsKeys: Bool

    init(seed: UInt64) {
      repeatsKeys = seed % 3 == 0
      random = SeededGenerator(seed: seed)
      names = []
      let stock = [
        "id", "a", "b", "email", "EMAIL", "customer_id", "thirteen_long", "fourteen__long",
        "sixteen_long_key",
        "seventeen_long_ke", "it's", "x\\u0061", "é", "", "total", "rows", "kids", "name",
        "n\\u0061me",
      ]
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        names.append(stock.randomElement(using: &random)!)
      }
    }

    mutating func chance(_ percent: Int) -> Bool {
      Int.random(in: 0..<100, using: &random) < percent
    }

    /// The same keys in the same order each time, but for the odd one that is missing, changed, added or repeated.
    mutating func row(depth: Int) -> String {
      var keys: [String] = []
      for name in names where !keys.contains(name) && !chance(2) { keys.append(name) }
      if chance(3), keys.count > 1 { keys.swapAt(0, keys.count - 1) }
      if chance(3), let key = keys.randomElement(using: &random) { keys.append(key + "2") }
      if repeatsKeys, chance(1), let key = keys.randomElement(using: &random) { keys.append(key) }
      if chance(1) { keys += (0..<40).map { "more\($0)" } }
      let members = keys.map { #""\#($0)"\#(chance(2) ? " " : ""):\#(value(depth: depth))"# }
      return "{" + members.joined(separator: chance(2) ? ", " : ",") + "}"
    }

    mutating func value(depth: Int) -> String {
      switch Int.random(in: 0..<(depth > 1 ? 6 : 9), using: &random) {
      case 0: String(Int.random(in: -99999...99999, using: &random))
      case 1: "12.75"
      case 2: ["true", "false", "null", "1e5", "-0", "[]", "{}"].randomElement(using: &random)!
      case 3...5:
        ["\"\"", "\"text\"", "\"it's\"", "\"a\\nb\"", "\"é\"", "\"longer text, with {[:]} in it\""]
          .randomElement(using: &random)!
      case 6: row(depth: depth + 1)
      default: rows(depth: depth + 1, count: Int.random(in: 0...4, using: &random))
      }
    }

    mutating func rows(depth: Int, count: Int) -> String {
      "[" + (0..<count).map { _ in row(depth: depth) }.joined(separator: ",") + "]"
    }
  }

  @Test(
    "agree with the slow reader, whole and cut, with an index that has seen other documents",
    arguments: runnableKernels)
  func rows(kernel: Int32) {
    var random = SeededGenerator(seed: 53)
    var index = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
    var valid = 0
    for seed in 0..<120 as Range<UInt64> {
      var rows = Rows(seed: seed)
      var document = Array(rows.rows(depth: 0, count: Int.random(in: 2...12, using: &random)).utf8)
      if seed % 4 == 0, document.count > 8 {
        document[Int.random(in: 0..<document.count, using: &random)] = UInt8.random(
          in: 0x20...0x7E, using: &random)
      }
      let expected = ReferenceReader.read(document)
      let cuts = (0..<3).map { _ in Int.random(in: 0...document.count, using: &random) }.sorted()
      let cut = readJSON(document, cuts: cuts, index: &index)
      check(
        (cut == nil) == (expected != nil), "\(cut) \(String(decoding: document, as: UTF8.self))")
      let whole = unsafe index.read(document.span.bytes, watch: .none)
      check(whole == cut, "\(whole) \(cut) \(String(decoding: document, as: UTF8.self))")
      var fresh = JSONIndex(limits: JSONLimits(root: .anyValue), kernel: kernel)
      unsafe check(fresh.read(document.span.bytes, watch: .none) == whole)
      if whole == nil, let expected {
        valid += 1
        unsafe check(tree(index, index.root, in: document.span.bytes) == expected)
      }
    }
    check(valid > 40 && valid < 115, "\(valid) documents were valid")
  }

  @Test("every watched key and every string that may hide one is a hit, once and in order")
  func hits() {
    var watch = JSONWatch()
    for name in ["email", "name", "customer_id", "é"] { watch.insert(name) }
    var other = JSONWatch()
    other.insert("id")
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    var seen = 0
    for seed in 0..<120 as Range<UInt64> {
      var rows = Rows(seed: seed)
      let document = Array(rows.rows(depth: 0, count: 10).utf8)
      // Another watch in between must leave nothing behind.
      if seed % 3 == 0 { _ = unsafe index.read(document.span.bytes, watch: other) }
      guard unsafe index.read(document.span.bytes, watch: watch) == nil else { continue }
      let bytes = unsafe document.span.bytes
      var keys: [UInt32] = []
      var texts: [UInt32] = []
      var last: UInt32 = 0
      for number in 0..<index.hitCount {
        let hit = index.hit(number)
        check(hit.token.index > last)
        last = hit.token.index
        switch hit.kind {
        case .text: texts.append(hit.token.index)
        case .key:
          let name = String(decoding: text(index, hit.token, in: bytes), as: UTF8.self).lowercased()
          if ["email", "name", "customer_id", "é"].contains(name) { keys.append(hit.token.index) }
        }
        // The container is the object or array directly around the hit.
        let container = index.range(of: hit.container).range
        let place = index.range(of: hit.token).range
        check(container.lowerBound < place.lowerBound && place.upperBound < container.upperBound)
      }
      var expectedKeys: [UInt32] = []
      var expectedTexts: [UInt32] = []
      collect(index, index.root, bytes, &expectedKeys, &expectedTexts)
      check(keys == expectedKeys)
      check(texts == expectedTexts)
      seen += keys.count + texts.count
    }
    check(seen > 1000, "\(seen) hits")
  }

  func collect(
    _ index: borrowing JSONIndex, _ token: JSONToken, _ bytes: RawSpan, _ keys: inout [UInt32],
    _ texts: inout [UInt32]
  ) {
    switch index.kind(of: token, in: bytes) {
    case .object:
      var key = index.firstMember(of: token, in: bytes)
      while let here = key {
        let name = String(decoding: text(index, here, in: bytes), as: UTF8.self).lowercased()
        if ["email", "name", "customer_id", "é"].contains(name) { keys.append(here.index) }
        collect(index, index.value(ofKey: here), bytes, &keys, &texts)
        key = index.nextMember(after: here, in: bytes)
      }
    case .array:
      var element = index.firstElement(of: token, in: bytes)
      while let here = element {
        collect(index, here, bytes, &keys, &texts)
        element = index.nextElement(after: here, in: bytes)
      }
    case .string:
      let raw = copy(bytes, index.contents(of: token))
      if raw.contains(UInt8(ascii: "\\")) || raw.contains(UInt8(ascii: "'")) {
        texts.append(token.index)
      }
    default: break
    }
  }
}
