/// Hashing of keys: fast on short ones, the same for all ASCII letter cases (so that one hash serves both the exact
/// comparison of duplicates and the case-insensitive one of masks), and seeded at process start so that nobody can
/// prepare keys that collide.
///
/// Method: multiply-and-fold of overlapping words, as in Wang Yi's wyhash. Example: the 11 bytes
/// `customer_id` are the words `CUSTOMER` and `_ID` with five zeros.
enum JSONHash {
  struct Seed: BitwiseCopyable, Sendable {
    var first: UInt64
    var second: UInt64
  }

  /// One per process: hashes prepared when a policy is loaded meet those of documents read later.
  static let seed: Seed = {
    var generator = SystemRandomNumberGenerator()
    return Seed(first: generator.next() | 1, second: generator.next() | 1)
  }()

  /// All but bit 5 of every byte: folds letters' case (and a few other pairs, which only costs a comparison).
  static let fold: UInt64 = 0xDFDF_DFDF_DFDF_DFDF

  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  @inline(__always)
  private static func load8(_ place: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UInt64(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
  }

  @inline(__always)
  private static func load4(_ place: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UInt64(UInt32(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt32.self)))
  }

  /// Hash of the `count` bytes at `bytes`; reads nothing outside them.
  @inline(__always)
  static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ seed: Seed) -> UInt64 {
    if count > 16 { return unsafe long(bytes, count, seed) }
    if count >= 8 {
      let spare = UInt64(truncatingIfNeeded: 128 &- count &* 8)
      let last = unsafe load8(bytes + (count &- 8))
      return unsafe combine(load8(bytes) & fold, (count == 8 ? 0 : last &>> spare) & fold, seed)
    }
    var word: UInt64 = 0
    if count >= 4 {
      unsafe word =
        load4(bytes) | load4(bytes + (count &- 4)) &<< UInt64(truncatingIfNeeded: count &* 8 &- 32)
    } else {
      for offset in 0..<count {
        unsafe word |= UInt64(bytes[offset]) &<< UInt64(truncatingIfNeeded: offset &* 8)
      }
    }
    return combine(word & fold, 0, seed)
  }

  /// Hash of a key of at most sixteen bytes: the first eight and the rest, folded, with zeros after them.
  @inline(__always)
  static func combine(_ low: UInt64, _ high: UInt64, _ seed: Seed) -> UInt64 {
    mix(low ^ seed.first, high ^ seed.second)
  }

  @inline(never)
  private static func long(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ seed: Seed) -> UInt64 {
    var state = seed.first ^ UInt64(truncatingIfNeeded: count)
    var at = 0
    while at &+ 16 < count {
      unsafe state = mix(
        (load8(bytes + at) & fold) ^ state, (load8(bytes + (at &+ 8)) & fold) ^ seed.second)
      at &+= 16
    }
    return unsafe mix(
      (load8(bytes + (count &- 16)) & fold) ^ state,
      (load8(bytes + (count &- 8)) & fold) ^ seed.second)
  }
}
