internal import Wire

/// Stops the process, which is how libFuzzer learns that an input broke a rule.
func broken(_ rule: StaticString) -> Never {
  fatalError("broken rule: \(rule)")
}

/// Goes on only when the rule holds.
func hold(_ condition: Bool, _ rule: StaticString) {
  if !condition { broken(rule) }
}

/// What `body` writes into memory for `capacity` bytes; nothing when that does not hold it.
func written(_ capacity: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
  let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity + 1, alignment: 1)
  defer { unsafe memory.deallocate() }
  var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
  body(&writer)
  guard !writer.overflowed else { return [] }
  return unsafe Array(UnsafeRawBufferPointer(start: memory, count: writer.count))
}

/// A string of a document, unescaped.
func unescaped(
  _ index: borrowing JSONIndex, _ string: JSONToken, _ document: [UInt8]
) -> [UInt8] {
  written(Int(index.contents(of: string).count)) {
    unsafe index.decode(string, in: document.span.bytes, into: &$0)
  }
}
