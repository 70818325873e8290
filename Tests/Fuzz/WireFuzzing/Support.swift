/// Stops the process, which is how libFuzzer learns that an input broke a rule.
func broken(_ rule: StaticString) -> Never {
  fatalError("broken rule: \(rule)")
}

/// Goes on only when the rule holds.
func hold(_ condition: Bool, _ rule: StaticString) {
  if !condition { broken(rule) }
}

/// A copy of the input, so that the parsers see memory with guarded ends.
func copied(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
  unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
}

extension [UInt8] {
  var rawBytes: RawSpan {
    @_lifetime(borrow self)
    get { unsafe span.bytes }
  }
}
