import CScan
import Testing

@testable import Wire

@Suite("JSON strings: the forms of escaping and unescaping agree")
struct JSONEscapingTests {
  static let pieces = [
    "a", "plain text of some length", "\"", "\\", "\n", "\t", "\r", "\u{8}", "\u{c}", "\u{0}",
    "\u{1f}", "é", "😀", "/",
    "\"name\":", "{\"a\":\"b\"},", "\\\\\\", "nbtrfu",
  ]

  static func randomText(_ random: inout SeededGenerator) -> [UInt8] {
    var text = ""
    for _ in 0..<Int.random(in: 0..<40, using: &random) {
      text += pieces.randomElement(using: &random)!
    }
    return Array(text.utf8)
  }

  @Test("escaping: wide and basic write the same, with any room, and nothing past it")
  func escaping() {
    var random = SeededGenerator(seed: 41)
    for _ in 0..<2000 {
      let text = Self.randomText(&random)
      var wide = [UInt8](repeating: 0xEE, count: text.count * 6 + 8)
      var basic = wide
      let written = unsafe sluice_escape(text, text.count, &wide, text.count * 6)
      #expect(unsafe written == sluice_escape_basic(text, text.count, &basic, text.count * 6))
      #expect(wide[..<written] == basic[..<written])
      for room in [written, max(0, written - 1), max(0, written - 7), written / 2] {
        var small = [UInt8](repeating: 0xEE, count: room + 8)
        let result = unsafe sluice_escape(text, text.count, &small, room)
        #expect(result == (room >= written ? written : -1))
        #expect(small[room...].allSatisfy { $0 == 0xEE })
      }
    }
  }

  @Test("unescaping: wide and basic write the same, and nothing past the string's own length")
  func unescaping() {
    var random = SeededGenerator(seed: 43)
    let escapes = [
      "\\u00e9", "\\ud83d\\ude00", "\\u0041", "\\/", "\\\"", "\\\\", "\\n", "\\t", "\\b", "\\f",
      "\\r", "n", "u0041",
    ]
    for _ in 0..<3000 {
      var string: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<30, using: &random) {
        if Bool.random(using: &random) {
          string += Array(escapes.randomElement(using: &random)!.utf8)
        } else {
          string += [UInt8](repeating: 0x61, count: Int.random(in: 0..<20, using: &random))
        }
      }
      var wide = [UInt8](repeating: 0xEE, count: string.count + 64)
      var basic = wide
      let written = unsafe sluice_unescape(string, string.count, &wide)
      #expect(unsafe written == sluice_unescape_basic(string, string.count, &basic))
      #expect(wide[..<written] == basic[..<written])
      #expect(wide[string.count...].allSatisfy { $0 == 0xEE })
      #expect(ReferenceReader.read([0x22] + string + [0x22]) == .string(Array(wide[..<written])))
    }
  }
}
