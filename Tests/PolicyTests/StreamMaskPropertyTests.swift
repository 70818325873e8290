import Policy
import Testing
import Wire

/// The streaming masker against the one of whole messages: the same bytes for whatever cut.
@Suite("Streaming masks: properties")
struct StreamMaskPropertyTests {
  static func program() throws -> MaskProgram {
    try MaskProgram(fields: [
      field("SSN"), field("email", .partial, rule: 1), field("Card_Number", rule: 2),
      field("key1.über", rule: 3), field("key0.key2.ssn", .partial, rule: 4),
    ])
  }

  /// Messages over every channel: structured content, texts, resources, Base64, errors, prompts.
  static func message(_ round: Int, _ answers: inout MaskPropertyTests.Answers) -> String {
    let content = answers.object(depth: 0, secret: false, nesting: round % 3)
    let escaped = jsonEscaped(content, ascii: round % 4 == 1)
    let envelope = #"{"jsonrpc":"2.0","id":"\#(round)","#
    switch round % 7 {
    case 0, 1: return answer(structured: content)
    case 2, 3: return answer(text: content, ascii: round % 4 == 2)
    case 4:
      return envelope
        + #""result":{"contents":[{"uri":"a:b","text":"\#(escaped)"},{"blob":"\#(base64(content))","ssn":"SECRET"}]}}"#
    case 5: return envelope + #""error":{"code":-3,"message":"\#(escaped)","data":\#(content)}}"#
    default:
      return
        #"{"result":{"messages":[{"role":"user","content":{"type":"text","text":"\#(escaped)"}}],"_meta":\#(content)},"jsonrpc":"2.0","id":7}"#
    }
  }

  @Test("wherever a message is cut in two, what comes out is what the whole message gives")
  func everyCut() throws {
    let program = try Self.program()
    var masker = Masker()
    var answers = MaskPropertyTests.Answers(random: MaskRandom(state: 5))
    for round in 0..<42 {
      let message = Self.message(round, &answers)
      let whole = try mask(message, program, &masker)
      let bytes = Array(message.utf8)
      for cut in 0...bytes.count {
        let result = streamed(bytes, cutAt: [cut], program, &masker)
        #expect(result.text == whole.text && result.violation == nil, "cut at \(cut): \(message)")
        if case .masked(let values) = whole.outcome { #expect(result.values == values) }
      }
    }
  }

  /// Masks random messages as a whole, and cut: at every byte in one round of so many, else anywhere.
  private func everyMessage(
    _ seed: UInt64, byteByByteEvery every: Int, limits: StreamLimits = StreamLimits(),
    _ check: (_ message: String, _ whole: MaskedMessage, _ streamed: StreamedMessage) -> Void
  ) throws {
    let program = try Self.program()
    var masker = Masker()
    var random = MaskRandom(state: seed + 100)
    var answers = MaskPropertyTests.Answers(random: MaskRandom(state: seed))
    for round in 0..<700 {
      let message = Self.message(round, &answers)
      let whole = try mask(message, program, &masker)
      let bytes = Array(message.utf8)
      let cuts =
        round % every == 0
        ? Array(1..<bytes.count)
        : (0..<10).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      check(message, whole, streamed(bytes, cutAt: cuts, program, &masker, limits: limits))
    }
  }

  @Test("a byte at a time, and in pieces of any size")
  func manyCuts() throws {
    var masked = 0
    try everyMessage(6, byteByByteEvery: 3) { message, whole, result in
      #expect(result.text == whole.text && result.violation == nil, "\(message)")
      if case .masked = whole.outcome { masked += 1 }
    }
    #expect(masked > 300)
  }

  /// A few rows are enough to be taken at a time, as many are.
  @Test("rows that are taken many at a time, however they are cut")
  func members() throws {
    let program = try Self.program()
    var masker = Masker()
    var random = MaskRandom(state: 20)
    var answers = MaskPropertyTests.Answers(random: MaskRandom(state: 9))
    for round in 0..<700 {
      let rows = (0..<Int.random(in: 1..<12, using: &random)).map { number in
        let row = answers.object(depth: round % 4, secret: false, nesting: round % 3)
        return round % 5 == 0 ? #""row \#(number) \#("\u{e9}")":\#(row)"# : row
      }.joined(separator: answers.chance(50) ? "," : " ,\n ")
      let brackets = round % 5 == 0 ? ("{", "}") : ("[", "]")
      let content = brackets.0 + rows + brackets.1
      let message =
        round % 2 == 0
        ? answer(structured: #"{"key0":{"key2":\#(content)}}"#)
        : answer(text: content, ascii: round % 4 == 1)
      let whole = try mask(message, program, &masker)
      let bytes = Array(message.utf8)
      let cuts = (0..<round % 4).map { _ in Int.random(in: 0...bytes.count, using: &random) }
      for least in [2, 60, 256] {
        var limits = StreamLimits()
        limits.membersBytesMin = least
        let result = streamed(bytes, cutAt: cuts.sorted(), program, &masker, limits: limits)
        #expect(result.text == whole.text && result.violation == nil, "\(message)\n\(result.text)")
        if case .masked(let values) = whole.outcome { #expect(result.values == values) }
      }
    }
  }

  @Test("texts that are read as they come mean what the whole message's would")
  func nested() throws {
    var limits = StreamLimits()
    limits.nestedBytesMax = 6
    try everyMessage(7, byteByByteEvery: 2, limits: limits) { message, whole, result in
      #expect(result.violation == nil)
      #expect(meaning(of: result.text) == meaning(of: whole.text), "\(message)\n\(result.text)")
    }
  }

  @Test("what is no strict JSON is found, wherever it is cut, and nothing else is")
  func violations() throws {
    let program = try Self.program()
    var masker = Masker()
    var random = MaskRandom(state: 19)
    var answers = MaskPropertyTests.Answers(random: MaskRandom(state: 8))
    var index = JSONIndex(limits: JSONLimits())
    var broken = 0
    let bits: [UInt8] =
      Array("{}[]\",:\\'0-.eEtn u\u{0}\u{1f}".utf8) + [0x80, 0xC3, 0xED, 0xF4, 0xFF]
    for round in 0..<2500 {
      var bytes = Array(Self.message(round % 4, &answers).utf8)
      for _ in 0...Int.random(in: 0..<2, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(bits.randomElement(using: &random)!, at: place)
        case 2: bytes.removeLast(Int.random(in: 0..<min(20, bytes.count), using: &random))
        default: bytes[place] = bits.randomElement(using: &random)!
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      let isValid = unsafe index.read(bytes.span.bytes, watch: .none) == nil
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let result = streamed(bytes, cutAt: [cut], program, &masker)
      let text = String(decoding: bytes, as: UTF8.self)
      if case .json = result.violation {
        #expect(!isValid, "\(text)")
        broken += 1
      } else if !isValid {
        // Something wrong with the envelope may show first.
        #expect(result.violation != nil, "\(text)")
      }
    }
    #expect(broken > 600)
  }
}

/// Base64 (RFC 4648 §4).
func base64(_ text: String) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  var result = ""
  let bytes = Array(text.utf8)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    var bits = group.reduce(0) { $0 << 8 | Int($1) }
    bits <<= 8 * (3 - group.count)
    for place in 0..<4 {
      result += place > group.count ? "=" : String(letters[bits >> (18 - 6 * place) & 63])
    }
  }
  return result
}
