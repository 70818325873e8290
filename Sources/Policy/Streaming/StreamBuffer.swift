import CScan
import Wire

/// Bytes that a streamed message keeps for a while: grows to what its owner's bounds let it hold, and is reused.
@safe
final class StreamBuffer {
  private var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 256) {
    self.capacity = capacity
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { unsafe base.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// What is kept. Valid until something is added, or the buffer is gone: never held across either.
  var bytes: RawSpan {
    @_lifetime(immortal)
    get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }

  func removeAll() { count = 0 }

  /// Forgets what was added after there were `size` bytes.
  func shorten(to size: Int) {
    precondition(size <= count)
    count = size
  }

  /// Makes room for `more` bytes and returns where they go; `added` says how many were written there.
  func room(_ more: Int) -> UnsafeMutableRawPointer {
    if more > capacity &- count {
      capacity = max(2 * capacity, count + more)
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      unsafe larger.copyMemory(from: base, byteCount: count)
      unsafe base.deallocate()
      unsafe base = unsafe larger
    }
    return unsafe base + count
  }

  func added(_ bytes: Int) {
    precondition(bytes >= 0 && bytes <= capacity &- count)
    count &+= bytes
  }

  func append(_ bytes: RawSpan) {
    let size = bytes.byteCount
    guard size > 0 else { return }
    let place = unsafe room(size)
    unsafe bytes.withUnsafeBytes { unsafe place.copyMemory(from: $0.baseAddress!, byteCount: size) }
    count &+= size
  }

  func append(_ text: StaticString) {
    let size = text.utf8CodeUnitCount
    unsafe room(size).copyMemory(from: text.utf8Start, byteCount: size)
    count &+= size
  }

  func append(_ byte: UInt8) {
    unsafe room(1).storeBytes(of: byte, as: UInt8.self)
    count &+= 1
  }

  /// Appends UTF-8, or a part of it cut anywhere, as the contents of a JSON string.
  func append(escaped bytes: RawSpan) {
    // A control character becomes six bytes.
    let most = 6 * bytes.byteCount + 16
    let place = unsafe room(most)
    let written = unsafe bytes.withUnsafeBytes { source -> Int in
      guard let start = source.baseAddress else { return 0 }
      return unsafe sluice_escape(
        start.assumingMemoryBound(to: UInt8.self), source.count,
        place.assumingMemoryBound(to: UInt8.self), most)
    }
    precondition(written >= 0, "there was room for the worst")
    count &+= written
  }

  /// Replaces what is kept by `contents` of a valid JSON string, unescaped.
  func unescape(_ contents: RawSpan) {
    count = 0
    let place = unsafe room(contents.byteCount + 16)
    count = unsafe contents.withUnsafeBytes { source -> Int in
      guard let start = source.baseAddress else { return 0 }
      return unsafe Int(
        sluice_unescape(
          start.assumingMemoryBound(to: UInt8.self), source.count,
          place.assumingMemoryBound(to: UInt8.self)))
    }
  }
}

extension RawSpan {
  /// The byte at `offset`.
  @inline(__always)
  func at(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

  /// Whether the bytes are exactly this text.
  func isText(_ text: StaticString) -> Bool {
    guard byteCount == text.utf8CodeUnitCount else { return false }
    for offset in 0..<byteCount where unsafe at(offset) != text.utf8Start[offset] { return false }
    return true
  }
}
