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
}
