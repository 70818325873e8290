/// Whether `count` bytes at both places are the same.
///
/// Keys and methods are short, and are compared many times per message: a few loads in place cost less than a call of the C
/// library that first has to find out how short they are. Not for secrets: how long it takes tells where they differ.
@inline(__always)
@unsafe func sameBytes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
  @inline(__always)
  func differ<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Word {
    unsafe left.loadUnaligned(fromByteOffset: offset, as: Word.self)
      ^ right.loadUnaligned(fromByteOffset: offset, as: Word.self)
  }
  // The last word overlaps the one before it, so that no rest is left.
  if count >= 8 {
    var offset = 0
    while offset &+ 8 < count {
      if differ(at: offset, UInt64.self) != 0 { return false }
      offset &+= 8
    }
    return differ(at: count &- 8, UInt64.self) == 0
  }
  if count >= 4 {
    return differ(at: 0, UInt32.self) | differ(at: count &- 4, UInt32.self) == 0
  }
  if count >= 2 {
    return differ(at: 0, UInt16.self) | differ(at: count &- 2, UInt16.self) == 0
  }
  return count == 0 || differ(at: 0, UInt8.self) == 0
}
