import Testing

@testable import Console

@Suite struct ArgumentsTests {
  private func rows(_ json: String) -> [(String, String)] {
    ArgumentsView(json).rows.map { ($0.name, $0.segments.map(\.text).joined()) }
  }

  @Test func valuesStandBesideTheirPaths() {
    let found = rows(#"{"a":{"b":1.50,"c":[1,2]},"d":"x","e":null,"f":[{"g":true}],"h":{},"i":[]}"#)
    #expect(found.map(\.0) == ["a.b", "a.c", "d", "e", "f[0].g", "h", "i"])
    #expect(found.map(\.1) == ["1.50", "[1, 2]", "\"x\"", "null", "true", "{}", "[]"])
  }

  @Test func noKeyPassesForAPath() {
    let found = rows(#"{"a.b":1,"a":{"b":2},"":3,"x[0]":4,"n":{"a b":5}}"#)
    #expect(found.map(\.0) == [#"["a.b"]"#, "a.b", #"[""]"#, #"["x[0]"]"#, #"n["a b"]"#])
  }

  @Test func textsKeepTheirLines() {
    let view = ArgumentsView(#"{"sql":"\nSELECT 1;\nDROP TABLE x;"}"#)
    #expect(view.rows[0].segments.map(\.text) == ["\nSELECT 1;\nDROP TABLE x;"])
    #expect(view.rows[0].note == "3 lines, 24 characters")
    #expect(!view.rows[0].isLong)
  }

  @Test func nothingIsLeftOutWhenThereAreTooManyValues() {
    let json = "{" + (0..<500).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
    let view = ArgumentsView(json)
    #expect(view.rows.isEmpty)
    let whole = view.whole?.segments.map(\.text).joined() ?? ""
    #expect((0..<500).allSatisfy { whole.contains("\"k\($0)\": \($0)") })
  }

  @Test func whatIsNotJSONIsShownAsItIs() {
    for text in [
      "", "{", "{\"a\":}", "nope", "{\"a\":1}x", "[1,]", "{\"a\":\"\\ud800\"}", "{\"a\":01}",
      "{\"a\":\"\u{1}\"}", String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
    ] {
      let view = ArgumentsView(text)
      #expect(view.rows.isEmpty)
      #expect(view.warning?.contains("not JSON") == true, "\(text)")
      #expect(
        view.canonical.map { $0.isOdd ? "" : $0.text }.joined() == text.filter { $0 != "\u{1}" })
    }
  }

  @Test func whatCannotBeSeenIsCountedAndMarked() {
    let view = ArgumentsView(#"{"to":"DE\u202e12","name":"ok"}"#)
    #expect(view.warning?.hasPrefix("1 character here cannot be seen") == true)
    #expect(view.rows[0].segments.contains { $0.isOdd && $0.text == "\\u{202e}" })
    #expect(ArgumentsView(#"{"name":"ok"}"#).warning == nil)
  }

  @Test func jsonComesBackFromItsLayout() {
    for json in [
      #"{"a":[1,{"b":"\n\"\\"}],"c":{"d":-1.5e+10}}"#, "[]", #""\u00e9\ud83d\ude00""#, "true",
    ] {
      let tree = JSONTree.read(json)
      #expect(tree != nil)
      #expect(JSONTree.read(tree!.pretty()) == tree)
    }
    #expect(JSONTree.read(#""\ud83d\ude00""#) == .string("😀"))
  }

  @Test func countsAreGrouped() {
    #expect(Plural.text(1, "line") == "1 line")
    #expect(Plural.text(1_234_567, "byte") == "1,234,567 bytes")
    #expect(Plural.grouped(-1000) == "-1,000")
  }
}
