internal import CDigest
internal import CLinux
internal import COpenSSL

/// The hash of one frame: SHA-256 of its header and of the hashes of its leaves, 4 KiB of entries each.
///
/// Leaves can be hashed side by side, which one long hash cannot: where the processor and the library allow it, sixteen at once,
/// at twice the speed. The result is the same everywhere.
@safe
package struct FrameDigest: ~Copyable {
  private var digest = Digest()
  /// The hashes of all leaves so far, in order. Grows to those of the longest frame.
  private var hashes: UnsafeMutableRawBufferPointer
  private var leaves = 0
  /// Bytes of a leaf that came in pieces; the digest has them.
  private var partBytes = 0
  /// Whole leaves that wait for company, and their places among the leaves.
  private let waiting: UnsafeMutablePointer<UnsafeRawPointer?>
  private var places = InlineArray<16, Int>(repeating: 0)
  private var waitingCount = 0
  /// The lanes' results.
  private let scratch: UnsafeMutableRawPointer
  /// Nil where there are none, and before they are looked for: the library is loaded for the first frame that gains by it.
  private var lanes: OpaquePointer?
  private var looksForLanes: Bool

  private static var lanesMax: Int { Int(digest_lane_count) }
  /// From so many leaves on the lanes are quicker than one leaf after the other.
  private static let lanesWorthwhile = 8

  /// - Parameter sideBySide: false for one leaf after the other, to compare with.
  package init(sideBySide: Bool = true) {
    unsafe lanes = nil
    looksForLanes = sideBySide
    precondition(Self.lanesMax == 16, "as many places as lanes")
    unsafe hashes = .allocate(byteCount: 64 * SegmentFormat.hashBytes, alignment: 8)
    unsafe waiting = .allocate(capacity: Self.lanesMax)
    unsafe waiting.initialize(repeating: nil, count: Self.lanesMax)
    unsafe scratch = .allocate(byteCount: Self.lanesMax * SegmentFormat.hashBytes, alignment: 8)
  }

  deinit {
    unsafe digest_lanes_close(lanes)
    unsafe hashes.deallocate()
    unsafe waiting.deallocate()
    unsafe scratch.deallocate()
  }

  /// The next bytes of the frame's entries. They must stay as they are until `finish`.
  mutating func update(unsafe bytes: UnsafeRawPointer, count: Int) {
    var start = unsafe bytes
    var rest = count
    if partBytes > 0 {
      let missing = min(SegmentFormat.leafBytes - partBytes, rest)
      unsafe digest.update(unsafe: start, count: missing)
      partBytes += missing
      unsafe start += missing
      rest -= missing
      if partBytes == SegmentFormat.leafBytes { endPart() }
    }
    while rest >= SegmentFormat.leafBytes {
      unsafe add(leaf: start)
      unsafe start += SegmentFormat.leafBytes
      rest -= SegmentFormat.leafBytes
    }
    if rest > 0 {
      unsafe digest.update(unsafe: start, count: rest)
      partBytes = rest
    }
  }

  /// The hash of a whole frame, from its header to its last entry, without the hash at its end.
  package mutating func hash(frame: RawSpan) -> AuditHash {
    unsafe frame.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, bytes.count > SegmentFormat.frameHeaderBytes
      else { return .zero }
      let header = SegmentFormat.frameHeaderBytes
      unsafe update(unsafe: start + header, count: bytes.count - header)
      return unsafe finish(unsafe: start)
    }
  }

  /// The hash of the frame with the 64 bytes at `header` and the entries that came since the last `finish`.
  mutating func finish(unsafe header: UnsafeRawPointer) -> AuditHash {
    if partBytes > 0 { endPart() }
    hashWaiting()
    unsafe digest.update(unsafe: header, count: SegmentFormat.frameHeaderBytes)
    if let first = unsafe hashes.baseAddress {
      unsafe digest.update(unsafe: first, count: leaves * SegmentFormat.hashBytes)
    }
    leaves = 0
    return digest.finish()
  }

  // MARK: Leaves

  /// The place of the next leaf's hash.
  private mutating func nextPlace() -> Int {
    let place = leaves * SegmentFormat.hashBytes
    leaves += 1
    if unsafe place + SegmentFormat.hashBytes > hashes.count {
      let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
        byteCount: hashes.count * 2, alignment: 8)
      unsafe larger.copyMemory(from: UnsafeRawBufferPointer(hashes))
      unsafe hashes.deallocate()
      unsafe hashes = larger
    }
    return place
  }

  private mutating func endPart() {
    let place = nextPlace()
    unsafe hashes.storeBytes(of: digest.finish(), toByteOffset: place, as: AuditHash.self)
    partBytes = 0
  }

  private mutating func add(leaf: UnsafeRawPointer) {
    places[waitingCount] = nextPlace()
    unsafe waiting[waitingCount] = leaf
    waitingCount += 1
    if waitingCount == Self.lanesMax { hashWaiting() }
  }

  private mutating func hashWaiting() {
    defer { waitingCount = 0 }
    if waitingCount >= Self.lanesWorthwhile, hashSideBySide() { return }
    for index in 0..<waitingCount {
      let leaf = unsafe waiting[index]
      let place = unsafe (hashes.baseAddress! + places[index]).assumingMemoryBound(to: UInt8.self)
      let done = unsafe sluice_sha256(leaf, SegmentFormat.leafBytes, place)
      precondition(done == 1, "OpenSSL refuses to hash")
    }
  }

  /// False when there are no lanes: the leaves have to be hashed one by one.
  private mutating func hashSideBySide() -> Bool {
    if looksForLanes {
      looksForLanes = false
      unsafe lanes = digest_lanes_open()
      // Its start-up has touched megabytes of it, for every algorithm it has.
      if unsafe lanes != nil { unsafe linux_release_program_pages("libIPSec_MB") }
    }
    guard let lanes = unsafe lanes else { return false }
    let done = unsafe digest_lanes_sha256(
      lanes, waiting, waitingCount, SegmentFormat.leafBytes,
      scratch.assumingMemoryBound(to: UInt8.self))
    guard done == 1 else {
      unsafe digest_lanes_close(lanes)
      unsafe self.lanes = nil
      return false
    }
    for index in 0..<waitingCount {
      let result = unsafe UnsafeRawBufferPointer(
        start: scratch + index * SegmentFormat.hashBytes, count: SegmentFormat.hashBytes)
      unsafe (hashes.baseAddress! + places[index]).copyMemory(
        from: result.baseAddress!, byteCount: SegmentFormat.hashBytes)
    }
    return true
  }
}
