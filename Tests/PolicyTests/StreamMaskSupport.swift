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
