import CScan
import Glibc
import Wire

/// What the masker needs for one document: the message itself is level 0, JSON in its strings level 1, and so on.
///
/// Memory grows to the largest document seen and is bounded by the message's own bound: a nested text is never longer
/// than the string it comes from.
@safe
struct MaskLevel: ~Copyable {
  /// The string, unescaped: the nested document. Level 0 reads the message itself and uses none of this.
  private(set) var text: UnsafeMutablePointer<UInt8>
  private(set) var textCount = 0
  private var textCapacity = 256
  /// The masked text, before it is escaped into the level above.
  private(set) var output: UnsafeMutablePointer<UInt8>
  private(set) var outputCapacity = 256
  /// Unescaped key, when a watched key is written with escapes.
  private var name: UnsafeMutablePointer<UInt8>
  private var nameCapacity = 256
  /// For every field, which of its path's first n names (bit n) lead up to the string this document comes from.
  private(set) var reached: UnsafeMutablePointer<UInt32>
  private var reachedCapacity = 16
  /// Regions of containers met lately, by token: consecutive rows ask for the same array.
  private let regions: UnsafeMutablePointer<UInt64>
  private static var regionSlots: Int { 32 }

  init() {
    unsafe text = .allocate(capacity: textCapacity)
    unsafe output = .allocate(capacity: outputCapacity)
    unsafe name = .allocate(capacity: nameCapacity)
    unsafe reached = .allocate(capacity: reachedCapacity)
    unsafe regions = .allocate(capacity: Self.regionSlots)
    forgetRegions()
  }

  deinit {
    unsafe text.deallocate()
    unsafe output.deallocate()
    unsafe name.deallocate()
    unsafe reached.deallocate()
    unsafe regions.deallocate()
  }

  /// The unescaped string.
  var textBytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(text), byteCount: textCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Unescapes the contents of a string into `text`.
  mutating func unescape(_ contents: RawSpan) {
    if contents.byteCount > textCapacity {
      unsafe text.deallocate()
      textCapacity = max(contents.byteCount, 2 * textCapacity)
      unsafe text = .allocate(capacity: textCapacity)
    }
    textCount = unsafe contents.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      return unsafe sluice_unescape(
        start.assumingMemoryBound(to: UInt8.self), buffer.count, text)
    }
  }

  /// Keeps the first `count` bytes of the text.
  mutating func shorten(to count: Int) {
    precondition(count <= textCount)
    textCount = count
  }

  /// No path of any of `count` fields leads to this document.
  mutating func forgetReached(_ count: Int) {
    reserveReached(count)
    unsafe reached.update(repeating: 0, count: count)
  }

  /// Whether the text has a quote or an apostrophe in it: if not, no quoted name and no object with a key.
  var hasQuotes: Bool {
    unsafe memchr(text, Int32(UInt8(ascii: "\"")), textCount) != nil
      || memchr(text, Int32(UInt8(ascii: "'")), textCount) != nil
  }

  mutating func reserveOutput(_ count: Int) {
    guard count > outputCapacity else { return }
    unsafe output.deallocate()
    outputCapacity = max(count, 2 * outputCapacity)
    unsafe output = .allocate(capacity: outputCapacity)
  }

  mutating func reserveReached(_ count: Int) {
    guard count > reachedCapacity else { return }
    unsafe reached.deallocate()
    reachedCapacity = count
    unsafe reached = .allocate(capacity: reachedCapacity)
  }

  /// Unescapes a key and compares it with a name in lower case.
  mutating func isName(_ contents: RawSpan, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    if contents.byteCount > nameCapacity {
      unsafe name.deallocate()
      nameCapacity = contents.byteCount
      unsafe name = .allocate(capacity: nameCapacity)
    }
    let count = unsafe contents.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      return unsafe Int(
        sluice_unescape(start.assumingMemoryBound(to: UInt8.self), buffer.count, name))
    }
    guard count == wanted.count else { return false }
    for offset in 0..<count where unsafe asciiLowercased(name[offset]) != wanted[offset] {
      return false
    }
    return true
  }

  // MARK: Regions met lately

  mutating func forgetRegions() {
    unsafe regions.update(repeating: .max, count: Self.regionSlots)
  }

  @inline(__always)
  func region(of container: JSONToken) -> MaskRegion? {
    let entry = unsafe regions[Int(container.index) & (Self.regionSlots &- 1)]
    guard UInt32(truncatingIfNeeded: entry &>> 8) == container.index, entry != .max else {
      return nil
    }
    return MaskRegion(rawValue: UInt8(truncatingIfNeeded: entry))
  }

  @inline(__always)
  mutating func remember(_ region: MaskRegion, of container: JSONToken) {
    unsafe regions[Int(container.index) & (Self.regionSlots &- 1)] =
      UInt64(container.index) &<< 8 | UInt64(region.rawValue)
  }
}
