/// A slow, obvious reader of the same strict JSON, written from RFC 8259 and the gateway's rules without looking at
/// the fast one: recursive, on an array of bytes, building a tree.
indirect enum ReferenceValue: Equatable {
  case object([(key: [UInt8], value: ReferenceValue)])
  case array([ReferenceValue])
  case string([UInt8])
  case number([UInt8])
  case literal(String)

  static func == (left: ReferenceValue, right: ReferenceValue) -> Bool {
    switch (left, right) {
    case (.object(let left), .object(let right)):
      left.count == right.count
        && zip(left, right).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    case (.array(let left), .array(let right)): left == right
    case (.string(let left), .string(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.literal(let left), .literal(let right)): left == right
    default: false
    }
  }
}

struct ReferenceReader {
  struct Refused: Error {}

  let bytes: [UInt8]
  let depthMax: Int
  let numberLengthMax: Int
  var at = 0

  /// The document's value, or nil when it is not one the gateway reads.
  static func read(
    _ bytes: [UInt8], anyValue: Bool = true, depthMax: Int = 64, numberLengthMax: Int = 64
  ) -> ReferenceValue? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = ReferenceReader(bytes: bytes, depthMax: depthMax, numberLengthMax: numberLengthMax)
    do {
      reader.skipBlanks()
      if !anyValue, reader.peek != UInt8(ascii: "{") { return nil }
      let value = try reader.value(depth: 0)
      reader.skipBlanks()
      return reader.at == bytes.count ? value : nil
    } catch {
      return nil
    }
  }

  var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func skipBlanks() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
  }

  mutating func take() throws -> UInt8 {
    guard let byte = peek else { throw Refused() }
    at += 1
    return byte
  }

  mutating func expect(_ byte: UInt8) throws {
    guard try take() == byte else { throw Refused() }
  }

  mutating func value(depth: Int) throws -> ReferenceValue {
    skipBlanks()
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    default: return try plain()
    }
  }

  mutating func object(depth: Int) throws -> ReferenceValue {
    guard depth <= depthMax else { throw Refused() }
    try expect(UInt8(ascii: "{"))
    var members: [(key: [UInt8], value: ReferenceValue)] = []
    var seen: Set<[UInt8]> = []
    skipBlanks()
    if peek == UInt8(ascii: "}") {
      at += 1
      return .object([])
    }
    while true {
      skipBlanks()
      let key = try string()
      guard seen.insert(key).inserted, key.last != 0 else { throw Refused() }
      skipBlanks()
      try expect(UInt8(ascii: ":"))
      members.append((key, try value(depth: depth)))
      skipBlanks()
      switch try take() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "}"): return .object(members)
      default: throw Refused()
      }
    }
  }

  mutating func array(depth: Int) throws -> ReferenceValue {
    guard depth <= depthMax else { throw Refused() }
    try expect(UInt8(ascii: "["))
    var elements: [ReferenceValue] = []
    skipBlanks()
    if peek == UInt8(ascii: "]") {
      at += 1
      return .array([])
    }
    while true {
      elements.append(try value(depth: depth))
      skipBlanks()
      switch try take() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "]"): return .array(elements)
      default: throw Refused()
      }
    }
  }

  mutating func unit() throws -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(try take())).hexDigitValue else { throw Refused() }
      unit = unit * 16 + UInt32(digit)
    }
    return unit
  }

  mutating func string() throws -> [UInt8] {
    try expect(UInt8(ascii: "\""))
    var result: [UInt8] = []
    while true {
      let byte = try take()
      switch byte {
      case UInt8(ascii: "\""): return result
      case 0..<0x20: throw Refused()
      case UInt8(ascii: "\\"):
        switch try take() {
        case UInt8(ascii: "\""): result.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): result.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): result.append(8)
        case UInt8(ascii: "f"): result.append(12)
        case UInt8(ascii: "n"): result.append(10)
        case UInt8(ascii: "r"): result.append(13)
        case UInt8(ascii: "t"): result.append(9)
        case UInt8(ascii: "u"):
          var scalar = try unit()
          if (0xD800..<0xDC00).contains(scalar) {
            try expect(UInt8(ascii: "\\"))
            try expect(UInt8(ascii: "u"))
            let low = try unit()
            guard (0xDC00..<0xE000).contains(low) else { throw Refused() }
            scalar = 0x10000 + (scalar - 0xD800) * 0x400 + (low - 0xDC00)
          }
          guard let valid = Unicode.Scalar(scalar) else { throw Refused() }
          result.append(contentsOf: Array(String(Character(valid)).utf8))
        default: throw Refused()
        }
      default: result.append(byte)
      }
    }
  }

  mutating func plain() throws -> ReferenceValue {
    let start = at
    while let byte = peek, !" \t\n\r,:{}[]\"".utf8.contains(byte) { at += 1 }
    let text = Array(bytes[start..<at])
    let word = String(decoding: text, as: UTF8.self)
    if ["true", "false", "null"].contains(word) { return .literal(word) }
    guard text.count <= numberLengthMax,
      word.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/) != nil
    else { throw Refused() }
    return .number(text)
  }
}
