extension JSONIndex {
  func isString(_ token: JSONToken, in bytes: RawSpan) -> Bool {
    kind(of: token, in: bytes) == .string
  }

  /// Hands out the string unescaped. Without escapes (the ordinary case) that is the document's own bytes.
  @inline(__always)
  func withText<Result>(
    _ string: JSONToken, in bytes: RawSpan, _ body: (RawSpan) -> Result
  ) -> Result {
    let contents = contents(of: string)
    guard hasEscapes(string, in: bytes) else { return body(bytes.extracting(contents.range)) }
    return withUnescaped(string, in: bytes, body)
  }

  /// Unescapes into temporary memory: on the stack when it is short, which names and keys are.
  @inline(never)
  private func withUnescaped<Result>(
    _ string: JSONToken, in bytes: RawSpan, _ body: (RawSpan) -> Result
  ) -> Result {
    let capacity = Int(contents(of: string).count)
    return unsafe withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { memory in
      var writer = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: capacity)
      decode(string, in: bytes, into: &writer)
      precondition(!writer.overflowed, "unescaping never makes a string longer")
      return body(writer.written)
    }
  }

  /// Whether the string, unescaped, holds a control character: C0, DEL or C1 (U+0080 to U+009F).
  func hasControlCharacter(_ string: JSONToken, in bytes: RawSpan) -> Bool {
    withText(string, in: bytes) { text in
      var previous: UInt8 = 0
      for offset in 0..<text.byteCount {
        let byte = text[byte: offset]
        if byte < 0x20 || byte == 0x7f { return true }
        if previous == 0xc2 && byte < 0xa0 { return true }
        previous = byte
      }
      return false
    }
  }
}
