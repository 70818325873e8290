/// Finds the few members of a JSON-RPC message that the tools look at, without an index and without judging it:
/// these tools speak to servers under test, they defend nothing.
///
/// Example: `{"jsonrpc":"2.0","id":"a1","method":"tools/call","params":{…}}` gives id = the four bytes `"a1"` and
/// method = `tools/call`. Reading stops once the id and the method, or the id and `result` or `error`, are
/// known, so that the long part of an answer is not read at all.
struct EnvelopeScan {
  /// The id as it is written, quotes included; empty for a notification.
  var id: Range<Int> = 0..<0
  /// The method without quotes; empty in an answer.
  var method: Range<Int> = 0..<0
  /// Where the value of `result` begins, or -1.
  var result = -1
  /// Where the value of `error` begins, or -1.
  var error = -1

  var hasID: Bool { !id.isEmpty }

  /// Reads the object in `start..<end`; nil when it is none as far as it was read.
  init?(_ bytes: RawSpan, from start: Int, to end: Int) {
    var cursor = Cursor(bytes: bytes, place: start, end: end)
    guard cursor.take(0x7B) else { return nil }
    if cursor.take(0x7D) { return }
    repeat {
      guard let key = cursor.string(), cursor.take(0x3A) else { return nil }
      let value = cursor.valueStart()
      if ByteSearch.equals("result", in: bytes, from: key.lowerBound, to: key.upperBound) {
        result = value
        if hasID { return }
      } else if ByteSearch.equals("error", in: bytes, from: key.lowerBound, to: key.upperBound) {
        error = value
        if hasID { return }
      }
      guard cursor.skipValue() else { return nil }
      if ByteSearch.equals("id", in: bytes, from: key.lowerBound, to: key.upperBound) {
        id = value..<cursor.place
        if !method.isEmpty || result >= 0 || error >= 0 { return }
      } else if ByteSearch.equals("method", in: bytes, from: key.lowerBound, to: key.upperBound) {
        method = (value + 1)..<max(value + 1, cursor.place - 1)
        if hasID { return }
      }
    } while cursor.take(0x2C)
    guard cursor.take(0x7D) else { return nil }
  }

  private struct Cursor: ~Escapable {
    let bytes: RawSpan
    var place: Int
    let end: Int

    @_lifetime(copy bytes)
    init(bytes: RawSpan, place: Int, end: Int) {
      self.bytes = bytes
      self.place = place
      self.end = min(end, bytes.byteCount)
    }

    private func byte(_ index: Int) -> UInt8 {
      bytes.byte(index)
    }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
      while place < end, byte(place) <= 0x20 { place += 1 }
    }

    /// Takes one structural byte, with the space before it.
    @_lifetime(self: copy self)
    mutating func take(_ wanted: UInt8) -> Bool {
      skipSpace()
      guard place < end, byte(place) == wanted else { return false }
      place += 1
      return true
    }

    @_lifetime(self: copy self)
    mutating func valueStart() -> Int {
      skipSpace()
      return place
    }

    /// Takes a string and gives its contents.
    @_lifetime(self: copy self)
    mutating func string() -> Range<Int>? {
      guard take(0x22) else { return nil }
      let start = place
      while let quote = ByteSearch.first(0x22, in: bytes, from: place), quote < end {
        place = quote + 1
        var backslashes = 0
        while quote - backslashes > start, byte(quote - backslashes - 1) == 0x5C {
          backslashes += 1
        }
        if backslashes % 2 == 0 { return start..<quote }
      }
      return nil
    }

    @_lifetime(self: copy self)
    mutating func skipValue() -> Bool {
      guard place < end else { return false }
      switch byte(place) {
      case 0x22: return string() != nil
      case 0x7B, 0x5B: return skipContainer()
      default:
        let start = place
        while place < end, !isDelimiter(byte(place)) { place += 1 }
        return place > start
      }
    }

    @_lifetime(self: copy self)
    private mutating func skipContainer() -> Bool {
      var depth = 0
      while place < end {
        switch byte(place) {
        case 0x22:
          guard string() != nil else { return false }
          continue
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D: depth -= 1
        default: break
        }
        place += 1
        if depth == 0 { return true }
      }
      return false
    }

    private func isDelimiter(_ byte: UInt8) -> Bool {
      byte <= 0x20 || byte == 0x2C || byte == 0x7D || byte == 0x5D
    }
  }
}
