internal import Policy
internal import Wire

/// Whatever the bytes are and wherever they are cut: the streamed answer is, byte for byte, what the masker of whole messages
/// makes of it; and when it is cut because something is wrong, what has left is the beginning of what that masker would make
/// of the message had it gone on well.
///
/// An input is four bytes that say how, and the message: the rules, the limits, and two for where it is cut.
@c(sluice_fuzz_stream)
public func sluiceFuzzStream(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
  let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  guard input.count > 4 else { return }
  let plan = Array(input[..<4])
  let message = Array(input[4...])
  let rules = StreamRules.table[Int(plan[0]) % StreamRules.table.count]
  let slow = Streamed(message, cutAt: Array(0...message.count), rules)
  let reading = WholeReading(message, rules)
  holdAsWhole(slow, reading, message, rules)
  let fast = Streamed(message, cutAt: cuts(message.count, plan[2], plan[3]), rules)
  hold(fast.violation == slow.violation, "a cut changes what is wrong")
  if slow.violation == nil {
    hold(fast.output == slow.output, "a cut changes what comes out")
    hold(fast.values == slow.values, "a cut changes how many values are replaced")
  } else {
    hold(slow.output.starts(with: fast.output), "a cut lets out something else")
  }
  holdWithSmallLimits(plan, message, rules, reading, slow)
}

/// Where to cut: every so many bytes, or anywhere.
private func cuts(_ count: Int, _ step: UInt8, _ seed: UInt8) -> [Int] {
  if seed == 0 { return Array(stride(from: Int(step) + 1, to: count, by: Int(step) + 1)) }
  var state = UInt32(seed) << 8 | UInt32(step)
  return (0..<Int(step) % 12).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return Int(state >> 8) % (count + 1)
  }.sorted()
}

// MARK: As the whole message

private func holdAsWhole(
  _ slow: Streamed, _ reading: WholeReading, _ message: [UInt8], _ rules: StreamRules
) {
  switch slow.violation {
  case nil:
    hold(reading.isJSON, "what is no strict JSON was taken")
    hold(reading.isAnswer || reading.hasOddID, "what is no answer was taken")
    hold(slow.output == reading.masked, "not what the whole message gives")
    hold(slow.values == reading.values, "not as many values as in the whole message")
    return
  case .json: hold(!reading.isJSON, "strict JSON was refused")
  case .envelope:
    hold(!reading.isAnswer || reading.hasOddCode, "the envelope of an answer was refused")
  case .keys: hold(message.count > 64 << 10, "a few short keys were refused")
  case .needsWholeMessage: break
  }
  guard let whole = completed(message[..<slow.sound]) else { return }
  let masked = WholeReading(whole, rules).masked
  hold(masked.starts(with: slow.output), "what has left is not what the whole message gives")
}

/// What whole messages are read and masked by makes of one.
struct WholeReading {
  var isJSON = false
  var isAnswer = false
  /// Ids that no request has, which the streamed answer shows when it is compared.
  var hasOddID = false
  /// An error's code that is no number.
  var hasOddCode = false
  /// Less blanks behind it.
  var masked: [UInt8] = []
  var values = 0

  init(_ message: [UInt8], _ rules: StreamRules) {
    var index = JSONIndex()
    let bytes = unsafe message.span.bytes
    guard index.read(bytes, watch: rules.program.watch) == nil else { return }
    isJSON = true
    switch MCPReader.read(bytes, index: index, from: .server) {
    case .refused(let refusal): hasOddID = refusal.reason == .idMalformed
    case .message(let read):
      isAnswer = read.kind == .response || read.kind == .error
      if let error = read.error, let code = index.member("code", of: error, in: bytes) {
        hasOddCode = index.kind(of: code, in: bytes) != .number
      }
    }
    var masker = Masker()
    var outcome = MaskOutcome.untouched
    masked = written(Masker.room(bytes: message.count, index: index)) {
      outcome = masker.mask(
        bytes, index: index, program: rules.program, active: rules.active, into: &$0)
    }
    switch outcome {
    case .untouched: masked = message
    case .masked(let count): values = count
    case .failed: broken("the room for masking is too small")
    }
    while let last = masked.last, [0x20, 0x0A, 0x0D, 0x09].contains(last) { masked.removeLast() }
  }
}

// MARK: Long texts

/// With limits so small that texts are read as they come: what comes out means the same where nothing had to be withheld, and
/// a value that the whole message's masker replaces never comes out.
private func holdWithSmallLimits(
  _ plan: [UInt8], _ message: [UInt8], _ rules: StreamRules, _ reading: WholeReading,
  _ slow: Streamed
) {
  var limits = StreamLimits()
  limits.nestedBytesMax = Int(plan[1] & 15)
  if plan[1] & 0x80 != 0 { limits.textBytesMax = Int(plan[1] >> 4 & 7) * 16 }
  let cuts = plan[1] & 16 == 0 ? Array(0...message.count) : cuts(message.count, plan[2], plan[3])
  let small = Streamed(message, cutAt: cuts, rules, limits: limits)
  hold(small.violation == slow.violation, "limits for texts change what is wrong")
  if small.violation == nil {
    var index = JSONIndex()
    unsafe hold(index.read(small.output.span.bytes, watch: .none) == nil, "no JSON came out")
    let isPlain =
      plan[1] & 0x80 == 0 && !contains(small.output, "[withheld")
      && !contains(reading.masked, "[withheld")
    if isPlain {
      hold(
        meaning(of: small.output) == meaning(of: reading.masked), "a long text means another thing")
    }
  }
  guard rules.isShown(in: small.output),
    let whole = small.violation == nil ? message : completed(message[..<slow.sound]),
    !rules.isShown(in: WholeReading(whole, rules).masked),
    // A text that breaks off is masked up to there, where the whole message's masker would withhold all of it.
    let mended = mended(whole, root: .objectOnly)
  else { return }
  hold(rules.isShown(in: WholeReading(mended, rules).masked), "a masked value has come out")
}

private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
  let wanted = Array(text.utf8)
  guard bytes.count >= wanted.count else { return false }
  return (0...bytes.count - wanted.count).contains { bytes[$0...].starts(with: wanted) }
}

/// The structure and every leaf of a document, unescaped, with JSON in strings opened up: the same for documents that differ
/// only in how they are spelled.
private func meaning(of document: [UInt8]) -> [[UInt8]] {
  var parts: [[UInt8]] = []
  func collect(_ document: [UInt8]) -> Bool {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    guard unsafe index.read(document.span.bytes, watch: .none) == nil else { return false }
    walk(index, index.root, document)
    return true
  }
  func walk(_ index: borrowing JSONIndex, _ token: JSONToken, _ document: [UInt8]) {
    let bytes = unsafe document.span.bytes
    switch index.kind(of: token, in: bytes) {
    case .object:
      parts.append(Array("{".utf8))
      var key = index.firstMember(of: token, in: bytes)
      while let here = key {
        parts.append(unescaped(index, here, document))
        walk(index, index.value(ofKey: here), document)
        key = index.nextMember(after: here, in: bytes)
      }
      parts.append(Array("}".utf8))
    case .array:
      parts.append(Array("[".utf8))
      var element = index.firstElement(of: token, in: bytes)
      while let here = element {
        walk(index, here, document)
        element = index.nextElement(after: here, in: bytes)
      }
      parts.append(Array("]".utf8))
    case .string:
      let text = unescaped(index, token, document)
      parts.append(Array("string".utf8))
      let first = text.first { $0 > 0x20 }
      if let first, "{[\"".utf8.contains(first), collect(text) { return }
      parts.append(text)
    default: parts.append(Array(document[index.range(of: token).range]))
    }
  }
  _ = collect(document)
  return parts
}
