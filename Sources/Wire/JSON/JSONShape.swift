/// Predicting keys. Objects of one kind, such as the rows of a table, have the same keys in the same order. An index
/// remembers the keys of the last object it met in a place; while the next one's keys are byte for byte the same,
/// each is proved with two compares: it is a key, its hash is known, and it is no duplicate, because the remembered keys
/// are all different. The first difference ends the prediction for that object and the keys from there on are
/// remembered instead. A wrong prediction costs time, never correctness.
///
///     [{"id":1,"mail":"a"},{"id":2,"mail":"b"}]
///       remembered           predicted: `"id":` and `"mail":` as they stand
struct JSONShapeEntry: BitwiseCopyable {
  /// The key from its opening quote to its colon, at most 16 bytes, and zeros.
  var low: UInt64 = 0
  var high: UInt64 = 0
  /// Ones where `low` and `high` have bytes of the key.
  var lowMask: UInt64 = 0
  var highMask: UInt64 = 0
  /// Distance from the opening quote to the colon.
  var size: UInt32 = 0
  var hash: UInt32 = 0
  /// Whether the watch's filter lets the hash through.
  var isWatched = false
  /// Fills the entry up to 64 bytes.
  var unused: UInt64 = 0
  var unusedToo: UInt64 = 0
}

/// The keys remembered for one place.
struct JSONShape: BitwiseCopyable {
  /// Number of keys remembered. They are the first keys of one object, so all different.
  var count: UInt32 = 0
  /// Changes whenever they do: an object whose keys are being predicted must not trust what another wrote.
  var version: UInt32 = 0

  /// Shapes an index remembers. Places share them by hash.
  static var slots: Int { 128 }
  /// Keys per shape.
  static var keysMax: Int { 32 }
}

/// An object or array that is still open.
struct JSONFrame: BitwiseCopyable {
  /// Its opening token.
  var open: UInt32 = 0
  /// Keys seen so far (while they are being predicted: when the frame was last left).
  var keys: UInt32 = 0
  /// Its shape, by number. Elements of an array have the array's.
  var slot: UInt32 = 0
  /// The shape's version when this object last agreed with it.
  var version: UInt32 = 0
  var isObject = false
  /// All keys so far were those of the shape, and `seen` is out of date.
  var isPredicted = false
  /// Which of 256 values the keys' hashes have had: whoever meets a new one is no duplicate.
  var seen: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
}

extension JSONIndex {
  /// Ends the prediction of the keys of an open object: makes `seen` what it would be without, and forgets the rest of
  /// the shape, which is the next object's to learn.
  @inline(never)
  mutating func stopPredicting(_ frame: UnsafeMutablePointer<JSONFrame>, keys: UInt32) {
    unsafe frame.pointee.isPredicted = false
    unsafe frame.pointee.keys = keys
    unsafe frame.pointee.seen = (0, 0, 0, 0)
    var token = unsafe Int(frame.pointee.open) &+ 1
    for _ in 0..<keys {
      let hash = unsafe links[token &+ 1]
      let seen = unsafe Self.seen(frame, hash)
      unsafe seen.pointee |= 1 &<< UInt64(truncatingIfNeeded: hash)
      token = afterValue(token &+ 2) &+ 1
    }
    let shape = unsafe shapes + Int(frame.pointee.slot)
    guard unsafe shape.pointee.version == frame.pointee.version else { return }
    unsafe shape.pointee.count = min(shape.pointee.count, keys)
    unsafe shape.pointee.version &+= 1
    unsafe frame.pointee.version = shape.pointee.version
  }

  /// Remembers the key at `key`, the frame's latest, if those before it were remembered and it is short enough.
  @inline(__always)
  mutating func remember(
    _ base: UnsafePointer<UInt8>, _ frame: UnsafeMutablePointer<JSONFrame>, key: UInt32,
    colon: UInt32, hash: UInt32
  ) {
    let size = colon &- key
    let shape = unsafe shapes + Int(frame.pointee.slot)
    let number = unsafe shape.pointee.count
    guard size < 16, unsafe number &+ 1 == frame.pointee.keys, number < JSONShape.keysMax,
      unsafe shape.pointee.version == frame.pointee.version
    else { return }
    let bits = UInt64(size &+ 1) &* 8
    let lowMask = bits >= 64 ? ~0 : (1 &<< bits) &- 1
    let highMask = bits <= 64 ? 0 : ~0 &>> (128 &- bits)
    let text = unsafe UnsafeRawPointer(base + Int(key))
    unsafe shapeEntries[Int(frame.pointee.slot) &* JSONShape.keysMax &+ Int(number)] =
      unsafe JSONShapeEntry(
        low: text.loadUnaligned(as: UInt64.self) & lowMask,
        high: text.loadUnaligned(fromByteOffset: 8, as: UInt64.self) & highMask,
        lowMask: lowMask, highMask: highMask, size: size, hash: hash,
        isWatched: tables[JSONWatch.word(hash)] &>> JSONWatch.bit(hash) & 1 != 0)
    unsafe shape.pointee.count = number &+ 1
    unsafe shape.pointee.version &+= 1
    unsafe frame.pointee.version = shape.pointee.version
  }

  /// Where the frame remembers whether it has seen a hash.
  @inline(__always)
  static func seen(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ hash: UInt32
  ) -> UnsafeMutablePointer<UInt64> {
    unsafe UnsafeMutableRawPointer(frame)
      .advanced(by: MemoryLayout<JSONFrame>.offset(of: \.seen)!)
      .assumingMemoryBound(to: UInt64.self) + Int(hash &>> 6 & 3)
  }

  /// The shape of the value of the frame's latest key: as a place, the names do not matter but the path of key numbers.
  @inline(__always)
  static func slot(inside frame: UnsafeMutablePointer<JSONFrame>) -> UInt32 {
    unsafe (frame.pointee.slot &* 7 &+ frame.pointee.keys)
      & UInt32(truncatingIfNeeded: JSONShape.slots &- 1)
  }

  /// Begins an object or array at the token `index`, with the shape `slot`.
  @inline(__always)
  func enter(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ index: Int, isObject: Bool, slot: UInt32
  ) {
    unsafe frame.pointee.open = UInt32(truncatingIfNeeded: index)
    unsafe frame.pointee.keys = 0
    unsafe frame.pointee.slot = slot
    unsafe frame.pointee.version = shapes[Int(slot)].version
    unsafe frame.pointee.isObject = isObject
    unsafe frame.pointee.isPredicted = isObject
  }
}
