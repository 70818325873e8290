internal import Wire

/// A keyed hash of what a call asks for, to tell later whether a call is the same: SipHash-2-4 (Aumasson and Bernstein, 2012)
/// over words, every text behind its length. It is no digest: what it guards is sealed, and nobody but the gateway can
/// compute or see it.
struct CallMark: BitwiseCopyable {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64

  init(key: (UInt64, UInt64)) {
    v0 = key.0 ^ 0x736f_6d65_7073_6575
    v1 = key.1 ^ 0x646f_7261_6e64_6f6d
    v2 = key.0 ^ 0x6c79_6765_6e65_7261
    v3 = key.1 ^ 0x7465_6462_7974_6573
  }

  mutating func add(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  mutating func add(_ text: RawSpan) {
    let count = text.byteCount
    add(UInt64(count))
    var at = 0
    while at &+ 8 <= count {
      add(unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
      at &+= 8
    }
    guard at < count else { return }
    var last: UInt64 = 0
    for offset in at..<count {
      let byte = unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      last = last << 8 | UInt64(byte)
    }
    add(last)
  }

  mutating func finish() -> UInt64 {
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  @inline(__always)
  private mutating func round() {
    v0 = v0 &+ v1
    v1 = v1 << 13 | v1 >> 51
    v1 ^= v0
    v0 = v0 << 32 | v0 >> 32
    v2 = v2 &+ v3
    v3 = v3 << 16 | v3 >> 48
    v3 ^= v2
    v0 = v0 &+ v3
    v3 = v3 << 21 | v3 >> 43
    v3 ^= v0
    v2 = v2 &+ v1
    v1 = v1 << 17 | v1 >> 47
    v1 ^= v2
    v2 = v2 << 32 | v2 >> 32
  }
}

extension Worker {
  /// The mark of a call that a server may answer with a state (`ServerState`): its method, what it names, its arguments as they
  /// are written. Zero for others.
  func callMark(_ message: MCPMessage, _ body: RawSpan) -> UInt64 {
    guard message.method.mayTakeLegs else { return 0 }
    var mark = CallMark(key: markKey)
    mark.add(UInt64(message.method.rawValue))
    if let name = message.identity { mark.add(body.extracting(requestIndex.range(of: name).range)) }
    if let arguments = message.arguments {
      mark.add(body.extracting(requestIndex.range(of: arguments).range))
    }
    return mark.finish()
  }
}

extension MCPMethod {
  /// Whether its answer may ask for more before there is a result (`input_required`, revision 2026-07-28).
  var mayTakeLegs: Bool { self == .toolsCall || self == .promptsGet || self == .resourcesRead }
}
