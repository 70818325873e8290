/// Hashing of keys: fast on short ones, the same for all ASCII letter cases (so that one hash serves both the exact
/// comparison of duplicates and the case-insensitive one of masks), and seeded at process start so that nobody can
/// prepare keys that collide.
///
/// Method: multiply-and-fold of overlapping words, as in Wang Yi's wyhash. Example: the 11 bytes `customer_id` are read
/// as the words `customer` and `tomer_id`.
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

  /// Bit 5 of every byte: folds letters' case (and a few other pairs, which only costs a comparison).
  private static let fold: UInt64 = 0x2020_2020_2020_2020

  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  @inline(__always)
  private static func load8(_ place: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UnsafeRawPointer(place).loadUnaligned(as: UInt64.self)
  }

  @inline(__always)
  private static func load4(_ place: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UInt64(UnsafeRawPointer(place).loadUnaligned(as: UInt32.self))
  }

  /// Hash of the `count` bytes at `bytes`; reads nothing outside them.
  @inline(__always)
  static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ seed: Seed) -> UInt64 {
    let low: UInt64
    let high: UInt64
    if count >= 8 {
      if count > 16 { return unsafe long(bytes, count, seed) }
      unsafe low = load8(bytes)
      unsafe high = load8(bytes + (count &- 8))
    } else if count >= 4 {
      unsafe low = load4(bytes)
      unsafe high = load4(bytes + (count &- 4))
    } else if count > 0 {
      unsafe low =
        UInt64(bytes[0]) << 16 | UInt64(bytes[count &>> 1]) << 8 | UInt64(bytes[count &- 1])
      high = 0
    } else {
      return mix(seed.first, seed.second)
    }
    return mix(
      (low | fold) ^ seed.first,
      (high | fold) ^ seed.second &+ UInt64(truncatingIfNeeded: count))
  }

  @inline(never)
  private static func long(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ seed: Seed) -> UInt64 {
    var state = seed.first ^ UInt64(truncatingIfNeeded: count)
    var at = 0
    while at &+ 16 < count {
      state = unsafe mix(
        (load8(bytes + at) | fold) ^ state, (load8(bytes + (at &+ 8)) | fold) ^ seed.second)
      at &+= 16
    }
    return unsafe mix(
      (load8(bytes + (count &- 16)) | fold) ^ state,
      (load8(bytes + (count &- 8)) | fold) ^ seed.second)
  }
}
