/// Stores the numbers and bytes of one entry at offsets that the caller has claimed. Offsets are those of
/// `EntryFormat`; everything is little-endian.
@safe
struct EntryWriter {
  private let start: UnsafeMutableRawPointer
  let count: Int

  /// An entry of `count` bytes (a multiple of 8) at `start`, which the caller owns.
  @inline(__always)
  init(
    unsafeAt start: UnsafeMutableRawPointer, count: Int, kind: EntryKind, flags: UInt8,
    worker: UInt16, record: RecordID
  ) {
    unsafe self.start = start
    self.count = count
    // The last bytes first: whatever the data does not cover is then 0.
    store(UInt64(0), at: count &- 8)
    store(UInt32(truncatingIfNeeded: count), at: 0)
    store(kind.rawValue, at: 4)
    store(flags, at: 5)
    store(worker, at: 6)
    store(record.value, at: 8)
  }

  @inline(__always)
  func store<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number, at offset: Int) {
    unsafe start.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Number.self)
  }

  /// Copies `bytes` to `offset` and returns the offset after them.
  @inline(__always)
  func copy(_ bytes: RawSpan, to offset: Int) -> Int {
    unsafe bytes.withUnsafeBytes { source in
      if let first = source.baseAddress {
        unsafe (start + offset).copyMemory(from: first, byteCount: source.count)
      }
    }
    return offset &+ bytes.byteCount
  }
}
