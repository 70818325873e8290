import Policy
import Testing
import Wire

/// A field by its dotted path.
func field(_ path: String, _ treatment: MaskTreatment = .redact, rule: Int = 0) -> MaskField {
  MaskField(path: path.split(separator: ".").map(String.init), treatment: treatment, rule: rule)
}

struct MaskedMessage: Equatable {
  var outcome: MaskOutcome
  /// What was written, or the message itself when it is untouched.
  var text: String
}

/// Reads and masks one message; `active` defaults to all rules. Room for the output is exactly what `Masker.room` says.
func mask(
  _ message: String, _ fields: [MaskField], active: [Int]? = nil, room: Int? = nil
) throws -> MaskedMessage {
  let program = try MaskProgram(fields: fields)
  var masker = Masker()
  return try mask(message, program, &masker, active: active, room: room)
}

func mask(
  _ message: String, _ program: MaskProgram, _ masker: inout Masker, active: [Int]? = nil,
  room: Int? = nil
) throws -> MaskedMessage {
  var index = JSONIndex(limits: JSONLimits())
  let bytes = Array(message.utf8)
  let violation = unsafe index.read(bytes.span.bytes, watch: program.watch)
  try #require(violation == nil, "\(message)")
  var rules = MaskRuleSet()
  for rule in active ?? (0..<256).filter({ program.rules.contains($0) }) { rules.insert(rule) }
  let capacity = room ?? Masker.room(bytes: bytes.count, index: index)
  let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, capacity), alignment: 1)
  defer { unsafe memory.deallocate() }
  var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
  let outcome = unsafe masker.mask(
    bytes.span.bytes, index: index, program: program, active: rules, into: &writer)
  guard outcome != .untouched else {
    let count = writer.count
    #expect(count == 0)
    return MaskedMessage(outcome: outcome, text: message)
  }
  if case .failed = outcome { return MaskedMessage(outcome: outcome, text: "") }
  let written = writer.written
  let output = (0..<written.byteCount).map {
    unsafe written.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
  }
  // Whatever is written is valid by the same strict rules.
  let reread = unsafe index.read(output.span.bytes, watch: .none)
  #expect(reread == nil, "\(String(decoding: output, as: UTF8.self))")
  return MaskedMessage(outcome: outcome, text: String(decoding: output, as: UTF8.self))
}

/// A tools/call answer with this structured content.
func answer(structured: String) -> String {
  #"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":\#(structured),"isError":false}}"#
}

/// A tools/call answer with this text, escaped minimally or with everything but letters and digits as \u.
func answer(text: String, ascii: Bool = false) -> String {
  #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\#(jsonEscaped(text, ascii: ascii))"}]}}"#
}

func jsonEscaped(_ text: String, ascii: Bool = false) -> String {
  var result = ""
  for unit in text.unicodeScalars {
    if ascii, !(unit.isASCII && (unit.properties.isAlphabetic || unit == " ")) {
      for code in String(unit).utf16 {
        let digits = String(code, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      continue
    }
    switch unit {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    default:
      if unit.value < 0x20 {
        result += "\\u00" + (unit.value < 16 ? "0" : "") + String(unit.value, radix: 16)
      } else {
        result.unicodeScalars.append(unit)
      }
    }
  }
  return result
}

/// The structure and every leaf of a document, unescaped, with JSON in strings opened up: equal for documents that differ
/// only in how they are spelled, and in the values of keys that are left out.
func meaning(
  of document: String, without isLeftOut: (String) -> Bool = { _ in false }
) -> [String] {
  var parts: [String] = []
  func collect(_ document: String) -> Bool {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    let bytes = Array(document.utf8)
    guard unsafe index.read(bytes.span.bytes, watch: .none) == nil else { return false }
    unsafe walk(index, index.root, bytes.span.bytes)
    return true
  }
  func walk(_ index: borrowing JSONIndex, _ token: JSONToken, _ bytes: RawSpan) {
    switch index.kind(of: token, in: bytes) {
    case .object:
      parts.append("{")
      var key = index.firstMember(of: token, in: bytes)
      while let here = key {
        let name = text(of: here, index, bytes)
        parts.append("key " + name)
        if !isLeftOut(name) { walk(index, index.value(ofKey: here), bytes) }
        key = index.nextMember(after: here, in: bytes)
      }
      parts.append("}")
    case .array:
      parts.append("[")
      var element = index.firstElement(of: token, in: bytes)
      while let here = element {
        walk(index, here, bytes)
        element = index.nextElement(after: here, in: bytes)
      }
      parts.append("]")
    case .string:
      let string = text(of: token, index, bytes)
      parts.append("string")
      if string.first == "{" || string.first == "[" || string.first == "\"", collect(string) {
        return
      }
      parts.append(string)
    default:
      let range = index.range(of: token).range
      parts.append(
        String(
          decoding: range.map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) },
          as: UTF8.self))
    }
  }
  _ = collect(document)
  return parts
}

/// A key or string, unescaped.
private func text(
  of token: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan
) -> String {
  let capacity = Int(index.contents(of: token).count) + 1
  let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
  defer { unsafe memory.deallocate() }
  var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
  index.decode(token, in: bytes, into: &writer)
  return unsafe String(
    decoding: UnsafeRawBufferPointer(start: memory, count: writer.count), as: UTF8.self)
}

/// SplitMix64.
struct MaskRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
