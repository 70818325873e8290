/// Random documents for the tests: valid ones, and the same with small damage.
struct JSONDocuments {
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func document() -> [UInt8] {
    var out: [UInt8] = []
    value(&out, depth: 0)
    return out
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func blanks(_ out: inout [UInt8]) {
    guard chance(20) else { return }
    for _ in 0..<Int.random(in: 1...(chance(10) ? 70 : 4), using: &random) {
      out.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &random)!)
    }
  }

  mutating func value(_ out: inout [UInt8], depth: Int) {
    blanks(&out)
    let kind =
      depth > 5 ? Int.random(in: 2..<6, using: &random) : Int.random(in: 0..<6, using: &random)
    switch kind {
    case 0:
      out.append(UInt8(ascii: "{"))
      blanks(&out)
      var names: Set<[UInt8]> = []
      for number in 0..<Int.random(in: 0...(chance(5) ? 60 : 6), using: &random) {
        var name: [UInt8] = []
        string(&name, escapes: chance(10))
        // Distinct after unescaping: a number no other key has at its end.
        name.removeLast()
        name += Array("\(number)\"".utf8)
        guard names.insert(name).inserted else { continue }
        if out.last != UInt8(ascii: "{"), names.count > 1 { out.append(UInt8(ascii: ",")) }
        blanks(&out)
        out += name
        blanks(&out)
        out.append(UInt8(ascii: ":"))
        value(&out, depth: depth + 1)
      }
      blanks(&out)
      out.append(UInt8(ascii: "}"))
    case 1:
      out.append(UInt8(ascii: "["))
      for number in 0..<Int.random(in: 0...6, using: &random) {
        if number > 0 { out.append(UInt8(ascii: ",")) }
        value(&out, depth: depth + 1)
      }
      blanks(&out)
      out.append(UInt8(ascii: "]"))
    case 2, 3: string(&out, escapes: chance(40))
    case 4: number(&out)
    default: out += Array(["true", "false", "null"].randomElement(using: &random)!.utf8)
    }
    blanks(&out)
  }

  mutating func number(_ out: inout [UInt8]) {
    var text = chance(30) ? "-" : ""
    text += chance(20) ? "0" : String(Int.random(in: 1...(chance(50) ? 999 : .max), using: &random))
    if chance(40) { text += "." + String(Int.random(in: 0...99999, using: &random)) }
    if chance(20) { text += ["e", "E", "e+", "E-"].randomElement(using: &random)! + "12" }
    out += Array(text.utf8)
  }

  mutating func string(_ out: inout [UInt8], escapes: Bool) {
    out.append(UInt8(ascii: "\""))
    for _ in 0..<Int.random(in: 0...(chance(10) ? 90 : 12), using: &random) {
      if escapes, chance(30) {
        let escape = [
          "\\n", "\\t", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\r", "\\u0041", "\\u00e9", "\\u20AC",
          "\\ud83d\\ude00", "\\u0000",
        ].randomElement(using: &random)!
        out += Array(escape.utf8)
      } else if chance(10) {
        out += Array(
          ["é", "€", "😀", "ü", "漢", "\u{7f}", "\u{2028}", "'"].randomElement(using: &random)!.utf8)
      } else {
        out += Array(
          "abcdefghijklmnopqrstuvwxyz ABC_-{}[]:,0123456789".randomElement(using: &random)!.utf8)
      }
    }
    out.append(UInt8(ascii: "\""))
  }

  /// The document with one to three small changes, which usually but not always make it invalid.
  mutating func damaged(_ document: [UInt8]) -> [UInt8] {
    var bytes = document
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard !bytes.isEmpty else { return bytes }
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.remove(at: at)
      case 1:
        bytes.insert(Array("{}[]:,\"\\'0 u\n\u{1}-.eE".utf8).randomElement(using: &random)!, at: at)
      case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 3: bytes.removeLast(Int.random(in: 1...min(4, bytes.count), using: &random))
      case 4:
        let end = min(bytes.count, at + Int.random(in: 1...12, using: &random))
        bytes.insert(contentsOf: bytes[at..<end], at: at)
      default: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return bytes
  }
}
