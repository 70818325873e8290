/// Walks over the lines of an HTTP head, for messages that a cooperative peer wrote.
///
/// Example: in `POST /mcp HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello` the first line is 0..<18, the only field has the
/// name `Content-Length` and the value `5`, and the head ends at 39.
enum HeadScan {
  struct Field {
    var name: Range<Int>
    var value: Range<Int>
  }

  /// Calls `field` for each field line; gives where the body begins, or nil while the blank line has not come.
  static func read(
    _ bytes: RawSpan, firstLine: inout Range<Int>, field: (Field) -> Void
  ) -> Int? {
    var start = 0
    var isFirst = true
    while let newline = ByteSearch.first(0x0A, in: bytes, from: start) {
      var end = newline
      if end > start, bytes.byte(end - 1) == 0x0D { end -= 1 }
      if end == start && !isFirst { return newline + 1 }
      if isFirst {
        firstLine = start..<end
        isFirst = false
      } else if let colon = ByteSearch.first(0x3A, in: bytes, from: start), colon < end {
        var value = colon + 1
        while value < end, bytes.byte(value) == 0x20 || bytes.byte(value) == 0x09 { value += 1 }
        field(Field(name: start..<colon, value: value..<end))
      }
      start = newline + 1
    }
    return nil
  }
}

extension RawSpan {
  /// The byte at `index`, which must be there.
  func byte(_ index: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  /// Whether the bytes in `range` are `text` (given in lower case), letters compared without case.
  func name(_ range: Range<Int>, is text: StaticString) -> Bool {
    ByteSearch.hasName(text, in: self, from: range.lowerBound, to: range.upperBound)
  }
}
