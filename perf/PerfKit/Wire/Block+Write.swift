import EventLoop

extension Block {
  /// Writes one byte inside the block.
  func storeByte(_ byte: UInt8, at offset: Int) {
    precondition(offset >= 0 && offset < capacity)
    unsafe unsafeStart.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }

  /// Copies `bytes` to `offset`; they must fit.
  func write(_ bytes: [UInt8], at offset: Int) {
    let span = bytes.span
    write(unsafe span.bytes, at: offset)
  }
}
