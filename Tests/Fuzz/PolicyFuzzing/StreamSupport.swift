internal import Policy
internal import Wire

/// The rules that streamed messages are tried with. In the seeds the values of masked fields are made of the letter Z.
struct StreamRules {
  /// What stands for a secret.
  static var mark: UInt8 { UInt8(ascii: "Z") }

  let program: MaskProgram
  let active: MaskRuleSet
  /// Names whose values are redacted wherever they stand.
  let names: [[UInt8]]

  /// - Parameters:
  ///   - redacted: fields of rule 0.
  ///   - partial: fields of rule 1.
  ///   - inactive: fields of rule 2, which does not apply.
  private init(redacted: [String], partial: [String] = [], inactive: [String] = []) {
    func fields(_ paths: [String], _ treatment: MaskTreatment, rule: Int) -> [MaskField] {
      paths.map {
        MaskField(
          path: $0.split(separator: ".").map(String.init), treatment: treatment, rule: rule)
      }
    }
    program = try! MaskProgram(
      fields: fields(redacted, .redact, rule: 0) + fields(partial, .partial, rule: 1)
        + fields(inactive, .redact, rule: 2))
    var active = MaskRuleSet()
    active.insert(0)
    active.insert(1)
    self.active = active
    names = redacted.filter { ["ssn", "email"].contains($0) }.map { Array($0.utf8) }
  }

  static let table = [
    StreamRules(redacted: ["ssn", "e", "card.number"]),
    StreamRules(redacted: ["email"], partial: ["ssn", "a.e"], inactive: ["e"]),
    StreamRules(redacted: ["a.b.ssn", "b.ssn", "ssn.ssn"], partial: ["a.ssn", "e.e.e"]),
    // Words of the protocol, which are names of fields where they stand in data.
    StreamRules(
      redacted: [
        "text", "data", "type", "uri", "code", "message", "result", "content", "id", "name",
        "blob", "result.structuredContent.a",
      ], partial: ["title", "error", "mimeType"]),
    StreamRules(redacted: ["über", "it's", "a\"b", "\\", "ssn", "aaaaaaaaaaaaaaaaaaaa"]),
    StreamRules(redacted: [], inactive: ["ssn", "e"]),
  ]

  /// Whether a name of a redacted field stands somewhere with a value that has the mark in it, however deep it is quoted.
  func isShown(in output: [UInt8]) -> Bool {
    let text = output.filter { $0 != UInt8(ascii: "\\") }
    for name in names {
      let word = [UInt8(ascii: "\"")] + name + [UInt8(ascii: "\"")]
      guard text.count > word.count else { continue }
      for start in 0..<text.count - word.count
      where text[start...].starts(with: word, by: { $0 | ($0 &- 65 < 26 ? 0x20 : 0) == $1 }) {
        var at = start + word.count
        func skipBlanks() { while at < text.count, text[at] <= 0x20 { at += 1 } }
        skipBlanks()
        guard at < text.count, text[at] == UInt8(ascii: ":") else { continue }
        at += 1
        skipBlanks()
        guard at < text.count, text[at] == UInt8(ascii: "\"") else { continue }
        if text[(at + 1)...].prefix(while: { $0 != UInt8(ascii: "\"") }).contains(Self.mark) {
          return true
        }
      }
    }
    return false
  }
}

/// What came of a message that was streamed.
struct Streamed {
  var output: [UInt8] = []
  var violation: StreamViolation?
  var values = 0
  /// Bytes that were taken before anything was wrong.
  var sound = 0

  init(
    _ message: [UInt8], cutAt cuts: [Int], _ rules: StreamRules,
    limits: StreamLimits = StreamLimits()
  ) {
    var limits = limits
    // So that members are taken many at a time in inputs as short as these.
    limits.membersBytesMin = 2
    let stream = StreamMasker(program: rules.program, active: rules.active, limits: limits)
    var masker = Masker()
    for end in cuts + [message.count] where violation == nil {
      // A copy, so that a look past the end is seen.
      let piece = Array(message[sound..<end])
      violation = unsafe stream.feed(piece.span.bytes, with: &masker)
      take(stream)
      if violation == nil { sound = end }
    }
    if violation == nil {
      violation = stream.finish()
      take(stream)
    }
    values = stream.maskedValues
  }

  private mutating func take(_ stream: StreamMasker) {
    let ready = stream.ready
    for offset in 0..<ready.byteCount {
      output.append(unsafe ready.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
    }
    stream.take()
  }
}

/// A message that begins with these bytes, had it gone on well; nil when none can (two keys are the same).
func completed(
  _ beginning: ArraySlice<UInt8>, root: JSONLimits.Root = .objectOnly
) -> [UInt8]? {
  var closers: [UInt8] = []
  var isInString = false
  var isEscaped = false
  for byte in beginning {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      continue
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
    case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
    case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = closers.popLast()
    default: break
    }
  }
  var index = JSONIndex(limits: JSONLimits(root: root))
  for ending in isInString ? stringEndings : tokenEndings {
    let whole = Array(beginning) + ending + closers.reversed()
    if unsafe index.read(whole.span.bytes, watch: .none) == nil { return whole }
  }
  return nil
}

/// The document with every text in it that begins like JSON made whole behind what can be read of it; nil when one of them
/// cannot be.
func mended(_ document: [UInt8], root: JSONLimits.Root, level: Int = 0) -> [UInt8]? {
  var index = JSONIndex(limits: JSONLimits(root: root))
  let bytes = unsafe document.span.bytes
  if let violation = index.read(bytes, watch: .none) {
    return completed(document[..<Int(violation.offset)], root: root)
      .flatMap { mended($0, root: root, level: level) }
  }
  var output: [UInt8] = []
  var copied = 0
  var leaf: JSONToken? = index.root
  while let here = leaf {
    leaf = index.nextLeaf(after: here, in: bytes)
    guard index.kind(of: here, in: bytes) == .string else { continue }
    let text = unescaped(index, here, document)
    guard level <= Masker.nestingMax, let first = text.first(where: { $0 > 0x20 }),
      "{[\"".utf8.contains(first)
    else { continue }
    guard let inner = mended(text, root: .anyValue, level: level + 1) else { return nil }
    let place = index.contents(of: here).range
    output += document[copied..<place.lowerBound]
    output += written(6 * inner.count) {
      unsafe JSONEscaping.escape(inner.span.bytes, into: &$0)
    }
    copied = place.upperBound
  }
  return output + document[copied...]
}

/// What may be missing of a string: of a character, of an escape, of a pair; and of the member whose key it is.
private let stringEndings: [[UInt8]] = {
  let characters: [[UInt8]] =
    [[], [0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0xA0, 0x80]]
    + [[0x90, 0x80, 0x80]]
  let digits = ["\\", "0", "00", "000", "0000"]
  let halves = ["\\udc00", "udc00", "dc00", "c00"]
  let pairs = ["0", "00", "000"].flatMap { [$0 + "\\udc00"] }
  let all = characters + (digits + halves + pairs).map { Array($0.utf8) }
  return all.flatMap { [$0 + Array("\"".utf8), $0 + Array("\":0".utf8)] }
}()

/// What may be missing of a plain token, a member or an element.
private let tokenEndings: [[UInt8]] = [
  "", "0", ":0", "\"another key\":0", "rue", "ue", "e", "alse", "lse", "se", "ull", "ll", "l", "{}",
].map { Array($0.utf8) }
