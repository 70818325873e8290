internal import Glibc
internal import Wire

/// One part of a token, decoded and read strictly: a JSON object with one reading or none (no key twice, no lone surrogate, no
/// bytes behind it), asked by the names of its members.
///
/// Reused for every part of every token; nothing of an earlier one is visible after `load`.
@safe
struct TokenDocument: ~Copyable {
  /// Longest part in base64url characters, and so bytes of memory that always suffice.
  static var textBytesMax: Int { Authenticator.tokenBytesMax }

  private var index: JSONIndex
  private let bytes: UnsafeMutablePointer<UInt8>
  private let scratch: UnsafeMutablePointer<UInt8>
  private var count = 0

  init() {
    // Nothing a provider writes nests deeper; a header that tries is refused before any of it counts.
    index = JSONIndex(limits: JSONLimits(depthMax: 16, documentBytesMax: Self.textBytesMax))
    unsafe bytes = .allocate(capacity: Self.textBytesMax + 64)
    unsafe scratch = .allocate(capacity: Self.textBytesMax + 64)
  }

  deinit {
    unsafe bytes.deallocate()
    unsafe scratch.deallocate()
  }

  /// Decodes and reads a part. False when it is not base64url, or not one strict JSON object.
  mutating func load(_ text: RawSpan) -> Bool {
    count = 0
    guard text.byteCount > 0, text.byteCount <= Self.textBytesMax,
      let decoded = unsafe Base64URL.decode(text, into: bytes)
    else { return false }
    count = decoded
    let document = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(bytes), byteCount: decoded)
    return index.read(document, watch: JSONWatch.none) == nil
  }

  private var span: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(bytes), byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The value of a member of the outermost object.
  func member(_ name: StaticString) -> JSONToken? {
    index.member(name, of: index.root, in: span)
  }

  func has(_ name: StaticString) -> Bool { member(name) != nil }

  /// The value at a configured place: the claim of exactly that name (names may hold dots, as in
  /// `https://example.com/groups`), else the one that its dots lead to.
  func member(at path: String) -> JSONToken? {
    if let whole = member(named: path, of: index.root) { return whole }
    var place = index.root
    for name in path.split(separator: ".", omittingEmptySubsequences: false) {
      guard index.kind(of: place, in: span) == .object,
        let next = member(named: String(name), of: place)
      else { return nil }
      place = next
    }
    return place
  }

  private func member(named name: String, of object: JSONToken) -> JSONToken? {
    let name = Array(name.utf8)
    var key = index.firstMember(of: object, in: span)
    while let here = key {
      if unsafe index.equals(here, utf8: name.span.bytes, in: span) {
        return index.value(ofKey: here)
      }
      key = index.nextMember(after: here, in: span)
    }
    return nil
  }

  func kind(of value: JSONToken) -> JSONKind { index.kind(of: value, in: span) }

  /// The string at a place; nil when there is none or it is something else.
  func text(_ value: JSONToken?) -> String? {
    guard let value, kind(of: value) == .string else { return nil }
    var writer = unsafe ByteWriter(unsafeInto: scratch, capacity: Self.textBytesMax)
    index.decode(value, in: span, into: &writer)
    return unsafe String(
      decoding: UnsafeBufferPointer(start: scratch, count: writer.count), as: UTF8.self)
  }

  /// The member's string. Nil also when it is something else.
  func text(_ name: StaticString) -> String? { text(member(name)) }

  /// The string at a place, or the strings of the array there. Nil when it is something else.
  func texts(_ value: JSONToken) -> [String]? {
    switch kind(of: value) {
    case .string: return [text(value)!]
    case .array:
      var texts: [String] = []
      var element = index.firstElement(of: value, in: span)
      while let here = element {
        guard let text = text(here) else { return nil }
        texts.append(text)
        element = index.nextElement(after: here, in: span)
      }
      return texts
    default: return nil
    }
  }

  /// What a member says about a moment, in seconds since 1970 (NumericDate, RFC 7519 §2).
  func time(_ name: StaticString) -> ClaimedTime {
    guard let value = member(name) else { return .absent }
    guard kind(of: value) == .number else { return .unreadable }
    let seconds = index.double(value, in: span)
    return seconds.isFinite && seconds >= 0 ? .seconds(seconds) : .unreadable
  }
}

/// A moment as a token says it.
enum ClaimedTime {
  case absent
  case unreadable
  case seconds(Double)
}
