import Wire

/// Where masked documents are written: like `ByteWriter`, but copying short stretches in wide steps that may write (and
/// read) a little too far where there is room for it, because most stretches between masked values are short.
@unsafe
struct MaskWriter {
  let base: UnsafeMutableRawPointer
  let capacity: Int
  private(set) var count = 0
  private(set) var overflowed = false

  init(into base: UnsafeMutableRawPointer, capacity: Int) {
    unsafe self.base = unsafe base
    unsafe self.capacity = capacity
  }

  private static var step: Int { 32 }

  /// Copies [from, to) of the document at `source`, which has `size` bytes.
  @inline(__always)
  mutating func copy(_ source: UnsafeRawPointer, _ from: Int, _ to: Int, size: Int) {
    precondition(from >= 0 && from <= to && to <= size, "pieces are copied in order")
    let bytes = to &- from
    if unsafe bytes <= 256 && to &+ Self.step <= size && bytes &+ Self.step <= capacity &- count {
      var read = unsafe source + from
      var write = unsafe base + count
      unsafe count &+= bytes
      let end = unsafe base + count
      repeat {
        unsafe write.storeBytes(
          of: read.loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
        unsafe read += Self.step
        unsafe write += Self.step
      } while unsafe write < end
      return
    }
    unsafe copySlowly(source + from, bytes)
  }

  /// Copies a short stretch and writes `"[redacted]"` behind it, if that needs no care: whether it did.
  @inline(__always)
  mutating func copyAndRedact(
    _ source: UnsafeRawPointer, _ from: Int, _ to: Int, size: Int
  ) -> Bool {
    precondition(from >= 0 && from <= to && to <= size, "pieces are copied in order")
    let bytes = to &- from
    guard
      unsafe bytes <= 256 && to &+ Self.step <= size
        && bytes &+ 2 &* Self.step <= capacity &- count
    else { return false }
    unsafe copy(source, from, to, size: size)
    unsafe appendRedacted()
    return true
  }

  @inline(never)
  mutating func copySlowly(_ source: UnsafeRawPointer, _ bytes: Int) {
    guard let place = unsafe claim(bytes) else { return }
    unsafe place.copyMemory(from: source, byteCount: bytes)
  }

  /// Makes room for `bytes` more and returns where they go; nil, and `overflowed`, when they do not fit.
  @inline(__always)
  mutating func claim(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard unsafe bytes <= capacity &- count, unsafe !overflowed else {
      unsafe overflowed = true
      return nil
    }
    let place = unsafe base + count
    unsafe count &+= bytes
    return unsafe place
  }

  mutating func append(_ text: StaticString) {
    guard let place = unsafe claim(text.utf8CodeUnitCount) else { return }
    unsafe place.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
  }

  /// `"[redacted]"`, by far the commonest replacement.
  @inline(__always)
  mutating func appendRedacted() {
    guard let place = unsafe claim(12) else { return }
    // "[redact and ed]" as they lie in memory.
    unsafe place.storeBytes(of: UInt64(littleEndian: 0x7463_6164_6572_5B22), as: UInt64.self)
    unsafe place.storeBytes(
      of: UInt32(littleEndian: 0x225D_6465), toByteOffset: 8, as: UInt32.self)
  }

  /// Writes UTF-8 as the contents of a JSON string.
  mutating func appendEscaped(_ text: RawSpan) {
    guard unsafe !overflowed else { return }
    let room = unsafe capacity &- count
    var writer = unsafe ByteWriter(unsafeInto: base + count, capacity: room)
    JSONEscaping.escape(text, into: &writer)
    unsafe count &+= writer.count
    if writer.overflowed { unsafe overflowed = true }
  }

  mutating func rewind(to count: Int) {
    if unsafe !overflowed { unsafe self.count = count }
  }
}
