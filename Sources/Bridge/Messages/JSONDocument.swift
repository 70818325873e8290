internal import PlainJSON
internal import Wire

/// One strict JSON document, to be taken apart and put together again: members are copied as they stand, so that numbers,
/// escapes and whatever the bridge does not know stay what they are.
struct JSONDocument: ~Copyable {
  private let bytes: [UInt8]
  private var index: JSONIndex

  /// Nil when it is not strict JSON with an object outermost.
  init?(_ bytes: [UInt8], bytesMax: Int) {
    self.bytes = bytes
    index = JSONIndex(
      limits: JSONLimits(
        depthMax: 512, numberLengthMax: 255, stringLengthMax: bytesMax, documentBytesMax: bytesMax))
    guard unsafe index.read(bytes.span.bytes, watch: .none) == nil else { return nil }
  }

  var root: JSONToken { index.root }

  // MARK: Looking

  func kind(_ token: JSONToken) -> JSONKind { unsafe index.kind(of: token, in: bytes.span.bytes) }

  /// The member of an object; nil as well when `object` is none.
  func member(_ name: StaticString, of object: JSONToken?) -> JSONToken? {
    guard let object, kind(object) == .object else { return nil }
    return unsafe index.member(name, of: object, in: bytes.span.bytes)
  }

  /// The same by a name that is only known now.
  func member(named name: String, of object: JSONToken?) -> JSONToken? {
    members(of: object).first { text($0.key) == name }?.value
  }

  func members(of object: JSONToken?) -> [(key: JSONToken, value: JSONToken)] {
    guard let object, kind(object) == .object else { return [] }
    var found: [(JSONToken, JSONToken)] = []
    var key = unsafe index.firstMember(of: object, in: bytes.span.bytes)
    while let here = key {
      found.append((here, index.value(ofKey: here)))
      key = unsafe index.nextMember(after: here, in: bytes.span.bytes)
    }
    return found
  }

  func elements(of array: JSONToken?) -> [JSONToken] {
    guard let array, kind(array) == .array else { return [] }
    var found: [JSONToken] = []
    var element = unsafe index.firstElement(of: array, in: bytes.span.bytes)
    while let here = element {
      found.append(here)
      element = unsafe index.nextElement(after: here, in: bytes.span.bytes)
    }
    return found
  }

  /// A value as it stands.
  func literal(_ token: JSONToken) -> [UInt8] { Array(bytes[index.range(of: token).range]) }

  /// A string, unescaped; nil for anything else.
  func text(_ token: JSONToken?) -> String? {
    guard let token, kind(token) == .string else { return nil }
    let capacity = max(1, Int(index.contents(of: token).count))
    let decoded = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
      var writer = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: capacity)
      unsafe index.decode(token, in: bytes.span.bytes, into: &writer)
      count = writer.count
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  func integer(_ token: JSONToken?) -> Int? {
    guard let token, kind(token) == .number else { return nil }
    return unsafe index.integer(token, in: bytes.span.bytes).flatMap { Int(exactly: $0) }
  }

  // MARK: Putting together

  /// An object without some of its members, and with others: `changes` says by name what stands instead of a member (nil:
  /// nothing), `adding` what comes first. Nil for `object`: only what is added.
  func object(
    _ object: JSONToken?, changing changes: [String: [UInt8]?] = [:],
    adding: [(name: String, value: [UInt8])] = []
  ) -> [UInt8] {
    var made: [UInt8] = [UInt8(ascii: "{")]
    func add(_ key: some Sequence<UInt8>, _ value: [UInt8]) {
      if made.count > 1 { made.append(UInt8(ascii: ",")) }
      made += key
      made.append(UInt8(ascii: ":"))
      made += value
    }
    for (name, value) in adding { add(JSONText.quoted(name).utf8, value) }
    for (key, value) in members(of: object) {
      if let change = text(key).flatMap({ changes[$0] }) {
        if let change { add(literal(key), change) }
      } else {
        add(literal(key), literal(value))
      }
    }
    made.append(UInt8(ascii: "}"))
    return made
  }

  static func array(_ elements: [[UInt8]]) -> [UInt8] {
    [UInt8(ascii: "[")] + elements.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
  }
}
