import Testing

@testable import Wire

struct Base64URLTests {
  /// RFC 4648 section 10, without padding, and the two digits that differ from plain base64.
  static let vectors: [([UInt8], String)] = [
    ([], ""), (Array("f".utf8), "Zg"), (Array("fo".utf8), "Zm8"), (Array("foo".utf8), "Zm9v"),
    (Array("foob".utf8), "Zm9vYg"), (Array("fooba".utf8), "Zm9vYmE"),
    (Array("foobar".utf8), "Zm9vYmFy"), ([0xFB, 0xFF, 0xBF], "-_-_"),
  ]

  @Test(arguments: vectors)
  func bytesAndTextAgree(_ bytes: [UInt8], _ text: String) {
    #expect(Base64URL.text(bytes) == text)
    var decoded = [UInt8](repeating: 0, count: bytes.count + 1)
    let count = unsafe Base64URL.decode(Array(text.utf8).span.bytes, into: &decoded)
    #expect(count == bytes.count)
    #expect(decoded.prefix(bytes.count).elementsEqual(bytes))
  }

  @Test(arguments: ["Zg==", "Zh", "Z", "Zm+v", "Zm/v", "Zm 9v"])
  func whatIsNoBase64URLIsRefused(_ text: String) {
    var decoded = [UInt8](repeating: 0, count: 16)
    #expect(unsafe Base64URL.decode(Array(text.utf8).span.bytes, into: &decoded) == nil)
  }
}
