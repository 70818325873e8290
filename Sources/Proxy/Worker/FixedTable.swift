internal import Wire

/// Plain values in memory of a fixed size, which is set aside at once and never grows: what a worker fills and empties without
/// allocating. A page of it is resident only once something has been written there.
///
///     var table = FixedTable<2, UInt32>()
///     table.append(7)  ->  true     table.append(8)  ->  true     table.append(9)  ->  false     table[1]  ->  8
@safe
struct FixedTable<let capacity: Int, Element: BitwiseCopyable>: ~Copyable {
  private let elements: UnsafeMutablePointer<Element>
  private(set) var count = 0

  init() { unsafe elements = .allocate(capacity: capacity) }

  deinit { unsafe elements.deallocate() }

  @inline(__always)
  func has(_ number: Int) -> Bool { UInt(bitPattern: number) < UInt(bitPattern: count) }

  subscript(_ number: Int) -> Element {
    precondition(has(number))
    return unsafe elements[number]
  }

  /// False when there is no more room.
  mutating func append(_ element: Element) -> Bool {
    guard count < capacity else { return false }
    unsafe (elements + count).initialize(to: element)
    count &+= 1
    return true
  }

  mutating func removeSubrange(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    for number in range.upperBound..<count {
      unsafe elements[number &- range.count] = unsafe elements[number]
    }
    count &-= range.count
  }

  mutating func removeAll() { count = 0 }
}

extension FixedTable where Element == UInt8 {
  /// Keeps a text that `write` appends; nil, and nothing of it is kept, when there is no room.
  mutating func append(_ write: (inout ByteWriter) -> Void) -> ByteRange? {
    var writer = unsafe ByteWriter(
      unsafeInto: UnsafeMutableRawPointer(elements + count), capacity: capacity &- count)
    write(&writer)
    guard !writer.overflowed else { return nil }
    let range = ByteRange(count..<count &+ writer.count)
    count &+= writer.count
    return range
  }

  /// Valid until something is added.
  @_lifetime(borrow self)
  func text(_ range: ByteRange) -> RawSpan {
    precondition(Int(range.end) <= count)
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(elements) + Int(range.offset), byteCount: Int(range.count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}
