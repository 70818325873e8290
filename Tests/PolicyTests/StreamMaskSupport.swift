import Policy
import Testing
import Wire

struct StreamedMessage: Equatable {
  var text: String
  var violation: StreamViolation?
  var values: Int
}

/// Masks a message that arrives in pieces which end at these offsets.
func streamed(
  _ message: [UInt8], cutAt cuts: [Int] = [], _ program: MaskProgram, _ masker: inout Masker,
  limits: StreamLimits = StreamLimits(), active: [Int]? = nil
) -> StreamedMessage {
  var rules = MaskRuleSet()
  for rule in active ?? (0..<256).filter({ program.rules.contains($0) }) { rules.insert(rule) }
  let stream = StreamMasker(program: program, active: rules, limits: limits)
  var output: [UInt8] = []
  var start = 0
  var violation: StreamViolation?
  for end in cuts + [message.count] {
    violation = unsafe stream.feed(message.span.bytes.extracting(start..<end), with: &masker)
    output += bytes(of: stream)
    stream.take()
    start = end
    if violation != nil { break }
  }
  if violation == nil { violation = stream.finish() }
  output += bytes(of: stream)
  return StreamedMessage(
    text: String(decoding: output, as: UTF8.self), violation: violation,
    values: stream.maskedValues)
}

func bytes(of stream: StreamMasker) -> [UInt8] {
  let ready = stream.ready
  return (0..<ready.byteCount).map { unsafe ready.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

/// The structure and every leaf of a document, unescaped, with JSON in strings opened up: equal for documents that differ
/// only in how they are spelled.
func meaning(of document: String) -> [String] {
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
        parts.append("key " + MaskPropertyTests().text(index, here, bytes))
        walk(index, index.value(ofKey: here), bytes)
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
      let string = MaskPropertyTests().text(index, token, bytes)
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
