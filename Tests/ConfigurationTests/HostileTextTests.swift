import Policy
import Testing

@testable import SluiceConfiguration

/// Files that nobody writes by mistake: they must be refused quickly, and never crash the reader.
@Suite struct HostileTextTests {
  private func bomb(_ depth: Int) -> String {
    (1..<depth).reduce("a0: &a0 [x, x]\n") { $0 + "a\($1): &a\($1) [*a\($1 - 1), *a\($1 - 1)]\n" }
  }

  @Test func aliasesThatUnfold() {
    #expect(complaints(bomb(60)).contains("sluice.yaml:1:5: anchors and aliases"))
  }

  @Test func aliasesThatUnfoldInKeys() {
    let text = bomb(60) + "? *a59\n: x\n? *a58\n: y\n"
    #expect(complaints(text).contains("anchors and aliases"))
  }

  @Test func deepNesting() {
    for depth in [34, 900, 999] {
      let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      #expect(complaints(text).contains("nested more than 32 levels deep"))
    }
    #expect(complaints(String(repeating: "[", count: 200_000)).contains("nested too deep"))
    #expect(complaints(String(repeating: "{a: ", count: 200_000)).contains("nested too deep"))
    #expect(complaints(String(repeating: "- ", count: 200_000)).contains("nested too deep"))
  }

  @Test func aHugeFile() {
    let text = String(repeating: "# padding\n", count: SourceText.bytesMax / 10 + 1)
    #expect(complaints(text) == "sluice.yaml: the file is larger than 4MiB; is it the right one?")
  }

  @Test func manyValues() {
    var composer = NodeComposer(nodesMax: 1000)
    #expect(composer.compose("listeners: [" + String(repeating: "1,", count: 998) + "1]") == nil)
    #expect(composer.issues.map(\.message) == ["the file has more than 1000 values"])
    var other = NodeComposer(nodesMax: 1000)
    #expect(other.compose("listeners: [" + String(repeating: "1,", count: 997) + "1]") != nil)
  }

  @Test func bytesThatAreNotText() {
    var issues: [ConfigurationIssue] = []
    let source = SourceText.decode(
      Array("a: b\nc: ".utf8) + [0xC3, 0xA9, 0xFF], name: "x", issues: &issues)
    #expect(source == nil)
    #expect(issues.first?.position?.line == 2)
    #expect(issues.first?.position?.column == 5)
    #expect(issues.first?.message == "this is not UTF-8; save the file as UTF-8")
  }

  @Test func aByteOrderMarkAndWindowsLineEndsAreNoMistake() {
    let text = Sample().text
    #expect(complaints("\u{FEFF}" + text) == "")
    #expect(complaints(text.replacing("\n", with: "\r\n")) == "")
  }

  /// Seeded damage to a configuration that is well: any answer will do, but there must be one.
  @Test func damagedFilesAreAnswered() {
    var random = SplitMix64(state: 0x51_1C_E0)
    let original = Array(
      StarterConfiguration.text(keySHA256: Sample.digest).utf8)
    let junk = Array("{}[]:,-#&*!|>'\"%@`?\n\t \u{e9}\\0~".utf8)
    var refused = 0
    for _ in 0..<400 {
      var bytes = original
      for _ in 0...random.next(below: 8) {
        let place = random.next(below: bytes.count)
        switch random.next(below: 3) {
        case 0: bytes[place] = junk[random.next(below: junk.count)]
        case 1: bytes.insert(junk[random.next(below: junk.count)], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.next(below: 20)))
        }
      }
      if !complaints(String(decoding: bytes, as: UTF8.self)).isEmpty { refused += 1 }
    }
    #expect(refused > 100)
  }
}

/// A small seeded generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// 2014).
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func next(below bound: Int) -> Int {
    Int(next() % UInt64(bound))
  }
}
