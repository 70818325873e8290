/// A fixed table of plain values outside the reach of reference counting: what a decision reads.
///
/// The program that made it frees it; a copy of the struct is only another way to the same memory, so none
/// outlives the program.
///
///     FlatTable([3, 1, 4])[1]  ->  1          FlatTable([3, 1, 4])[3]  ->  stops the process
@safe
struct FlatTable<Element: BitwiseCopyable>: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    unsafe base = .allocate(capacity: max(elements.count, 1))
    count = elements.count
    for (index, element) in elements.enumerated() {
      unsafe (base + index).initialize(to: element)
    }
  }

  subscript(index: Int) -> Element {
    @inline(__always)
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe base[index]
    }
  }

  /// Gives the memory back. Nothing may read the table afterwards.
  func free() {
    unsafe base.deallocate()
  }
}

extension FlatTable where Element == UInt8 {
  /// The bytes of `range`, which must lie inside the table.
  @inline(__always)
  @_lifetime(borrow self)
  func bytes(_ range: TextRange) -> RawSpan {
    precondition(Int(range.offset) + Int(range.count) <= count)
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(base + Int(range.offset)), byteCount: Int(range.count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}

/// A stretch of the program's text table.
struct TextRange: BitwiseCopyable, Equatable {
  var offset: UInt32
  var count: UInt32

  static var empty: TextRange { TextRange(offset: 0, count: 0) }
}
