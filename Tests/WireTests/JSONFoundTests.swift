import Testing

@testable import Wire

/// Inputs that fuzzing or a test found something wrong with, once.
@Suite("JSON index: found by fuzzing")
struct JSONFoundTests {
  @Test(
    "a lead byte just before the end of a block, and an error of another kind after it",
    arguments: runnableKernels)
  func leadBeforeBlockEnd(kernel: Int32) {
    var document = Array(#"{"result":{"structuredCoenntt":[{"a":1,"b":"it's","c*:{"a":1,""#.utf8)
    document.append(0xE9)
    document += Array(#"e":3}}]}}"#.utf8)
    #expect(readJSON(document, kernel: kernel) == JSONViolation(reason: .invalidUTF8, offset: 62))
  }

  @Test(
    "a byte that starts nothing as a block's last, after an error of another kind",
    arguments: runnableKernels)
  func badLeadAtBlockEnd(kernel: Int32) {
    for lead in [0xC0, 0xC1, 0xF5, 0xFF] as [UInt8] {
      let document =
        Array(#"["#.utf8) + [UInt8](repeating: 0x20, count: 56) + Array("text  ".utf8) + [lead]
        + [UInt8](repeating: 0x20, count: 80) + Array("]".utf8)
      #expect(document[63] == lead)
      #expect(readJSON(document, kernel: kernel) == JSONViolation(reason: .invalidUTF8, offset: 63))
    }
  }
}
