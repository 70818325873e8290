import Glibc

/// A block of memory lent by a `BlockPool`: a plain handle, to be given back exactly once.
@safe
public struct Block: BitwiseCopyable {
  @usableFromInline let base: UnsafeMutableRawPointer?
  /// How many bytes it holds; zero for no block.
  public let capacity: Int
  let sizeClass: Int8

  /// No memory at all.
  public static var none: Block { unsafe Block(base: nil, capacity: 0, sizeClass: -1) }

  public var isNone: Bool { capacity == 0 }

  /// Where the block begins, for system calls and writers. The pool's owner keeps the lifetime.
  public var unsafeStart: UnsafeMutableRawPointer {
    precondition(capacity > 0)
    return unsafe base!
  }

  /// The first `count` bytes. Valid until the block is given back.
  @_lifetime(borrow self)
  public func bytes(_ count: Int) -> RawSpan {
    bytes(from: 0, count: count)
  }

  /// `count` bytes from `offset` on. Valid until the block is given back.
  @_lifetime(borrow self)
  public func bytes(from offset: Int, count: Int) -> RawSpan {
    precondition(offset >= 0 && count >= 0 && count <= capacity &- offset)
    guard count > 0 else {
      return unsafe _overrideLifetime(RawSpan(), borrowing: self)
    }
    return unsafe _overrideLifetime(
      RawSpan(_unsafeStart: UnsafeRawPointer(base! + offset), byteCount: count), borrowing: self)
  }

  /// Copies `bytes` to `offset`; they must fit.
  public func write(_ bytes: RawSpan, at offset: Int) {
    precondition(offset >= 0 && bytes.byteCount <= capacity &- offset)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe (base! + offset).copyMemory(from: start, byteCount: source.count)
      }
    }
  }

  /// Turns line feeds and carriage returns into spaces.
  public func replaceLineBreaks(from offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && count <= capacity &- offset)
    guard count > 0 else { return }
    let bytes = unsafe (base! + offset).assumingMemoryBound(to: UInt8.self)
    for place in 0..<count where unsafe bytes[place] == 0x0A || bytes[place] == 0x0D {
      unsafe bytes[place] = 0x20
    }
  }

  /// Moves `count` bytes from `offset` to the front.
  public func moveToFront(from offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && count <= capacity &- offset)
    if count > 0 && offset > 0 { unsafe memmove(base!, base! + offset, count) }
  }
}

/// Blocks of a few sizes for what must be kept across completions: unfinished input, answers being collected,
/// output on its way. One pool per worker; an idle connection holds no block.
///
/// Given-back blocks are kept up to a bound per size and used again, so that the steady state allocates nothing.
///
/// Sizes: 4 KiB, 8 KiB and so on, doubling, to 16 MiB. `take(atLeast: 5000)` lends one of 8 KiB. What is kept for minutes, as
/// many times over as there are calls that wait, is in blocks of its own size: `take(exactly: 561)` lends one of 576 bytes.
@safe
public struct BlockPool: ~Copyable {
  static let classCount = 13
  private static let smallest = 4096
  /// How many blocks of each size are kept for reuse, at the most: 2 MiB of each, and one of the larger ones.
  private static func keptMax(_ sizeClass: Int) -> Int {
    min(keptSlots, max(1, (2 << 20) / (smallest << sizeClass)))
  }
  private static let keptSlots = 256
  /// Stands for the size class of a block that is of its own size.
  private static let ownSize: Int8 = -2

  private let kept: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var keptCounts: InlineArray<13, Int> = .init(repeating: 0)
  /// Bytes lent and not yet given back.
  public private(set) var lentBytes: Int = 0
  /// How many bytes may be lent at once; `take` refuses beyond.
  public let lentBytesMax: Int
  /// How often a block was refused because that much may not be lent.
  public private(set) var refusals: UInt64 = 0

  public init(lentBytesMax: Int) {
    self.lentBytesMax = lentBytesMax
    unsafe kept = .allocate(capacity: BlockPool.classCount * BlockPool.keptSlots)
  }

  deinit {
    for sizeClass in 0..<BlockPool.classCount {
      for index in 0..<keptCounts[sizeClass] {
        unsafe kept[sizeClass * BlockPool.keptSlots + index].deallocate()
      }
    }
    unsafe kept.deallocate()
  }

  /// The largest block there is, in bytes.
  public static var largest: Int { smallest << (classCount - 1) }

  /// A block of at least `bytes`, or nil when that is over the largest size or over what may be lent.
  public mutating func take(atLeast bytes: Int) -> Block? {
    var sizeClass = 0
    var size = BlockPool.smallest
    while size < bytes {
      sizeClass &+= 1
      size <<= 1
    }
    guard sizeClass < BlockPool.classCount, size <= lentBytesMax &- lentBytes else {
      refusals &+= 1
      return nil
    }
    lentBytes &+= size
    let base: UnsafeMutableRawPointer
    if keptCounts[sizeClass] > 0 {
      keptCounts[sizeClass] &-= 1
      unsafe base = kept[sizeClass &* BlockPool.keptSlots &+ keptCounts[sizeClass]]
    } else {
      unsafe base = .allocate(byteCount: size, alignment: 64)
    }
    return unsafe Block(base: base, capacity: size, sizeClass: Int8(truncatingIfNeeded: sizeClass))
  }

  /// A block of `bytes`, rounded up to 64, which is made for this and ends with it; nil when that is over the largest size or
  /// over what may be lent. Not for the steady state: it allocates.
  public mutating func take(exactly bytes: Int) -> Block? {
    let size = max(64, (bytes &+ 63) & ~63)
    guard bytes <= BlockPool.largest, size <= lentBytesMax &- lentBytes else {
      refusals &+= 1
      return nil
    }
    lentBytes &+= size
    return unsafe Block(
      base: .allocate(byteCount: size, alignment: 16), capacity: size,
      sizeClass: BlockPool.ownSize)
  }

  /// Takes a lent block back. Its contents must not be used any more.
  public mutating func give(_ block: Block) {
    guard let base = unsafe block.base else { return }
    let sizeClass = Int(block.sizeClass)
    lentBytes &-= block.capacity
    precondition(lentBytes >= 0)
    guard block.sizeClass != BlockPool.ownSize else { return unsafe base.deallocate() }
    if keptCounts[sizeClass] < BlockPool.keptMax(sizeClass) {
      unsafe kept[sizeClass &* BlockPool.keptSlots &+ keptCounts[sizeClass]] = base
      keptCounts[sizeClass] &+= 1
    } else {
      unsafe base.deallocate()
    }
  }
}
