internal import CScan
internal import Policy
internal import Wire

/// Whatever the bytes are: every kernel and every cut say the same, strings survive unescaping and escaping, and a masked
/// message is valid JSON in which no value of a masked field is left.
@c(sluice_fuzz_json)
public func sluiceFuzzJSON(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
  let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  let limits = JSONLimits(depthMax: 40, root: .anyValue)
  var index = JSONIndex(limits: limits)
  let violation = unsafe index.read(input.span.bytes, watch: .none)
  for kernel in 0..<Int32(sluice_scan_kernel_count) where sluice_scan_kernel_runs(kernel) != 0 {
    var other = JSONIndex(limits: limits, kernel: kernel)
    unsafe hold(other.read(input.span.bytes, watch: .none) == violation, "kernels disagree")
  }
  for step in [1, 7, 64, 100] where input.count / step < 5000 {
    hold(readInSteps(of: step, input, limits) == violation, "a cut changes the result")
  }
  guard violation == nil else { return }
  stringsSurvive(index, input)
  if unsafe index.kind(of: index.root, in: input.span.bytes) == .object { maskingHolds(input) }
}

private func readInSteps(of step: Int, _ input: [UInt8], _ limits: JSONLimits) -> JSONViolation? {
  var index = JSONIndex(limits: limits)
  var end = 0
  while end < input.count {
    end = min(end + step, input.count)
    // A copy, so that a look past the end is seen.
    let piece = Array(input[..<end])
    if case .violation(let violation) = unsafe index.advance(
      piece.span.bytes, isFinal: false, watch: .none)
    {
      return violation
    }
  }
  if case .violation(let violation) = unsafe index.advance(
    input.span.bytes, isFinal: true, watch: .none)
  {
    return violation
  }
  return nil
}

/// Every string of the document, unescaped and escaped again, means the same.
private func stringsSurvive(_ index: borrowing JSONIndex, _ input: [UInt8]) {
  let bytes = unsafe input.span.bytes
  var leaf: JSONToken? = index.root
  while let here = leaf {
    if index.kind(of: here, in: bytes) == .string {
      let text = unescaped(index, here, input)
      unsafe hold(
        index.equals(here, utf8: text.span.bytes, in: bytes), "a string is not what it means")
      let again =
        [UInt8(ascii: "\"")]
        + written(6 * text.count) {
          unsafe JSONEscaping.escape(text.span.bytes, into: &$0)
        } + [UInt8(ascii: "\"")]
      var other = JSONIndex(limits: JSONLimits(root: .anyValue))
      unsafe hold(
        other.read(again.span.bytes, watch: .none) == nil, "escaping wrote no JSON string")
      hold(unescaped(other, other.root, again) == text, "escaping changed a string")
    }
    leaf = index.nextLeaf(after: here, in: bytes)
  }
}

// MARK: Masking

private let fields = ["ssn", "e", "card.number"]
private let program = try! MaskProgram(
  fields: fields.map {
    MaskField(path: $0.split(separator: ".").map(String.init), treatment: .redact, rule: 0)
  })

private func maskingHolds(_ input: [UInt8]) {
  let masked = mask(input)
  var index = JSONIndex(limits: JSONLimits(root: .anyValue))
  unsafe hold(index.read(masked.span.bytes, watch: .none) == nil, "a masked message is no JSON")
  hold(mask(masked) == masked, "masking again changes something")
  let bytes = unsafe masked.span.bytes
  // Everything in structuredContent is data.
  if let result = index.member("result", of: index.root, in: bytes),
    index.kind(of: result, in: bytes) == .object,
    let content = index.member("structuredContent", of: result, in: bytes)
  {
    noSecret(index, content, masked, isMasked: false, level: 0)
  }
}

private func mask(_ input: [UInt8]) -> [UInt8] {
  var index = JSONIndex()
  unsafe hold(
    index.read(input.span.bytes, watch: program.watch) == nil, "watching changes the result")
  var rules = MaskRuleSet()
  rules.insert(0)
  var masker = Masker()
  var outcome = MaskOutcome.untouched
  let output = written(Masker.room(bytes: input.count, index: index)) {
    outcome = unsafe masker.mask(
      input.span.bytes, index: index, program: program, active: rules, into: &$0)
  }
  switch outcome {
  case .untouched:
    hold(output.isEmpty, "untouched, but something was written")
    return input
  case .masked: return output
  case .failed: broken("the room for masking is too small")
  }
}

/// No value under a masked name is anything but a replacement, in the document and in JSON in its strings.
private func noSecret(
  _ index: borrowing JSONIndex, _ token: JSONToken, _ document: [UInt8], isMasked: Bool, level: Int
) {
  let bytes = unsafe document.span.bytes
  switch index.kind(of: token, in: bytes) {
  case .object:
    var key = index.firstMember(of: token, in: bytes)
    while let here = key {
      let name = unescaped(index, here, document).map { $0 &- 65 < 26 ? $0 | 0x20 : $0 }
      let isField = name == Array("ssn".utf8) || name == Array("e".utf8)
      noSecret(
        index, index.value(ofKey: here), document, isMasked: isMasked || isField, level: level)
      key = index.nextMember(after: here, in: bytes)
    }
  case .array:
    var element = index.firstElement(of: token, in: bytes)
    while let here = element {
      noSecret(index, here, document, isMasked: isMasked, level: level)
      element = index.nextElement(after: here, in: bytes)
    }
  case .string:
    let text = unescaped(index, token, document)
    if isMasked {
      hold(text == Array("[redacted]".utf8), "a masked string is left")
    } else if level < 3 {
      var nested = JSONIndex(limits: JSONLimits(root: .anyValue))
      if unsafe nested.read(text.span.bytes, watch: .none) == nil {
        noSecret(nested, nested.root, text, isMasked: false, level: level + 1)
      }
    }
  case .number:
    hold(!isMasked || index.range(of: token).count == 1, "a masked number is left")
  case .true: hold(!isMasked, "a masked truth value is left")
  case .false, .null: break
  }
}
