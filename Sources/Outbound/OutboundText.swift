internal import CCurl
internal import Glibc

/// Swift's texts as C reads them, for the time of one call.
enum OutboundText {
  static func with<Result>(
    _ texts: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Result
  ) -> Result {
    let copies = unsafe texts.map { unsafe strdup($0) }
    defer { for index in unsafe copies.indices { unsafe free(copies[index]) } }
    let pointers = unsafe copies.map { unsafe UnsafePointer($0) }
    return unsafe pointers.withUnsafeBufferPointer { unsafe body($0) }
  }

  static func with<Result>(pem: [UInt8]?, _ body: (curl_pem) -> Result) -> Result {
    guard let pem else { return unsafe body(curl_pem()) }
    // No bytes at all are no authorities, which is not to say the system's.
    return unsafe (pem.isEmpty ? [0x0A] : pem).withUnsafeBytes { bytes in
      unsafe body(curl_pem(bytes: bytes.baseAddress, count: bytes.count))
    }
  }

  /// Reads a NUL-terminated text from a C array of 256 characters, which Swift sees as a tuple.
  static func error<Characters>(_ characters: inout Characters) -> String {
    unsafe withUnsafeBytes(of: &characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
