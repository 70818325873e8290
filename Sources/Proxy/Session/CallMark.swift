internal import EventLoop
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
  /// The mark of a call that a server may answer with a state (`ServerState`): its method, what it names, its arguments. Zero for
  /// others. Calls that mean the same have the same, however they are written: it tells apart what the canonical form does
  /// (RFC 8785), without sorting or writing anything.
  mutating func callMark(_ message: MCPMessage, _ body: RawSpan) -> UInt64 {
    guard message.method.mayTakeLegs else { return 0 }
    var mark = CallMark(key: markKey)
    mark.add(UInt64(message.method.rawValue))
    if let name = message.identity { mark.add(valueMark(name, body)) }
    if let arguments = message.arguments { mark.add(valueMark(arguments, body)) }
    return mark.finish()
  }

  // Nesting is bounded by the index (`JSONLimits.depthMax`), and with it this recursion.
  private mutating func valueMark(_ value: JSONToken, _ body: RawSpan) -> UInt64 {
    let kind = requestIndex.kind(of: value, in: body)
    var mark = CallMark(key: markKey)
    mark.add(UInt64(kind.rawValue))
    switch kind {
    case .object:
      // A sum: members mean the same in any order, and no key is there twice.
      var sum: UInt64 = 0
      var member = requestIndex.firstMember(of: value, in: body)
      while let key = member {
        var one = CallMark(key: markKey)
        add(textOf: key, body, to: &one)
        one.add(valueMark(requestIndex.value(ofKey: key), body))
        sum &+= one.finish()
        member = requestIndex.nextMember(after: key, in: body)
      }
      mark.add(sum)
    case .array:
      var element = requestIndex.firstElement(of: value, in: body)
      while let here = element {
        mark.add(valueMark(here, body))
        element = requestIndex.nextElement(after: here, in: body)
      }
    case .string: add(textOf: value, body, to: &mark)
    case .number: add(number: value, body, to: &mark)
    case .true, .false, .null: break
    }
    return mark.finish()
  }

  private mutating func add(textOf string: JSONToken, _ body: RawSpan, to mark: inout CallMark) {
    let contents = body.extracting(requestIndex.contents(of: string).range)
    // Without memory it is compared as it is written: that refuses what it might let through, and nothing else.
    guard requestIndex.hasEscapes(string, in: body),
      let block = blocks.take(atLeast: contents.byteCount)
    else { return mark.add(contents) }
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    requestIndex.decode(string, in: body, into: &out)
    mark.add(out.written)
    blocks.give(block)
  }

  private mutating func add(number: JSONToken, _ body: RawSpan, to mark: inout CallMark) {
    let literal = body.extracting(requestIndex.range(of: number).range)
    if Worker.isPlainInteger(literal) { return mark.add(literal) }
    var memory = InlineArray<32, UInt8>(repeating: 0)
    var span = memory.mutableSpan
    unsafe span.withUnsafeMutableBytes { buffer in
      var out = unsafe ByteWriter(unsafeInto: buffer.baseAddress!, capacity: buffer.count)
      // One that no double holds exactly has no canonical form: it is compared as it is written.
      let refusal = canonicalizer.write(number, of: requestIndex, in: body, into: &out)
      if refusal == nil { mark.add(out.written) } else { mark.add(literal) }
    }
  }

  /// Whether it is its own canonical form: digits alone, so few that a double holds them.
  private static func isPlainInteger(_ literal: RawSpan) -> Bool {
    guard literal.byteCount <= 15 else { return false }
    for offset in 0..<literal.byteCount {
      let byte = unsafe literal.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte < UInt8(ascii: "0") || byte > UInt8(ascii: "9") { return false }
    }
    return true
  }
}

extension MCPMethod {
  /// Whether its answer may ask for more before there is a result (`input_required`, revision 2026-07-28).
  var mayTakeLegs: Bool { self == .toolsCall || self == .promptsGet || self == .resourcesRead }
}
