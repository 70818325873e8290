internal import CScan

/// The field names that mean something to the gateway. Everything else is `other`.
///
/// The cases up to `lastKnown` index `KnownFields`.
public enum HTTPFieldName: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case host, connection, contentLength, transferEncoding, contentType, contentEncoding, expect,
    upgrade
  case accept, authorization, origin
  case mcpSessionID, mcpProtocolVersion, mcpMethod, mcpName, lastEventID
  case location, retryAfter, authenticate
  /// For the record only: any bytes, never an argument of a decision.
  case userAgent
  /// `Mcp-Param-…`: an argument of a tool's call, repeated (see `ParameterFields`).
  case mcpParameter
  case other
  /// A name with underscores that some servers take for a protected one (`mcp_name`): neither read nor forwarded.
  case ignored

  static var knownCount: Int { 20 }

  @inline(__always) var bit: UInt32 { 1 &<< UInt32(truncatingIfNeeded: rawValue) }
}

/// Fields that may appear once in a request, as a set of `HTTPFieldName.bit`.
@inline(__always)
func requestFieldsAllowedOnce() -> UInt32 {
  let names: UInt32 =
    HTTPFieldName.host.bit | HTTPFieldName.contentLength.bit | HTTPFieldName.transferEncoding.bit
    | HTTPFieldName.contentType.bit | HTTPFieldName.contentEncoding.bit | HTTPFieldName.expect.bit
  let protocolNames: UInt32 =
    HTTPFieldName.authorization.bit | HTTPFieldName.origin.bit | HTTPFieldName.mcpSessionID.bit
    | HTTPFieldName.mcpProtocolVersion.bit | HTTPFieldName.mcpMethod.bit
    | HTTPFieldName.mcpName.bit | HTTPFieldName.lastEventID.bit
  return names | protocolNames
}

/// Fields that may appear once in an answer.
@inline(__always)
func responseFieldsAllowedOnce() -> UInt32 {
  HTTPFieldName.contentLength.bit | HTTPFieldName.transferEncoding.bit
    | HTTPFieldName.contentType.bit | HTTPFieldName.contentEncoding.bit
    | HTTPFieldName.mcpSessionID.bit | HTTPFieldName.location.bit
}

/// A field name in lower case, packed so that a known one is recognised with at most three comparisons.
///
/// Example: `Content-Type` is count 12, first `content-`, last `ent-type` (the words overlap, which costs
/// nothing), middle unused. Names of 4 to 7 bytes use the low halves of first and last in the same way.
///
/// Setting bit 5 of every byte is a fold that is exact here: only a letter folds to a lower-case letter, and only `-`
/// and a carriage return fold to `-`; a carriage return cannot be in a name, because the line would have ended.
struct FoldedName {
  var count: Int
  var first: UInt64
  var middle: UInt64
  var last: UInt64

  @inline(__always)
  init(_ head: HeadBytes, _ start: Int, count: Int) {
    self.count = count
    (first, middle, last) = (0, 0, 0)
    if count >= 8 {
      first = head.word64(start) | 0x2020_2020_2020_2020
      last = head.word64(start &+ count &- 8) | 0x2020_2020_2020_2020
      if count > 16 { middle = head.word64(start &+ 8) | 0x2020_2020_2020_2020 }
    } else if count >= 4 {
      first = UInt64(head.word32(start) | 0x2020_2020)
      last = UInt64(head.word32(start &+ count &- 4) | 0x2020_2020)
    }
  }

  /// A name of 4 to 20 bytes given byte by byte.
  init(_ bytes: borrowing InlineArray<20, UInt8>, count: Int) {
    func word(_ start: Int, _ length: Int) -> UInt64 {
      var value: UInt64 = 0
      for index in 0..<length {
        value |= UInt64(bytes[start + index] | 0x20) << (8 * UInt64(index))
      }
      return value
    }
    self.count = count
    let length = count >= 8 ? 8 : 4
    first = word(0, length)
    last = word(count - length, length)
    middle = count > 16 ? word(8, 8) : 0
  }

  /// Which known name this is; `other` when none. Does not look at characters that no name may hold.
  @inline(__always)
  var name: HTTPFieldName {
    switch count {
    case 4:
      if first == 0x7473_6f68 { return .host }
    case 6:
      if first == 0x6563_6361 && last == 0x7470_6563 { return .accept }
      if first == 0x6769_726f && last == 0x6e69_6769 { return .origin }
      if first == 0x6570_7865 && last == 0x7463_6570 { return .expect }
    case 7:
      if first == 0x7267_7075 && last == 0x6564_6172 { return .upgrade }
    case 8:
      if first == 0x656d_616e_2d70_636d { return .mcpName }
      if first == 0x6e6f_6974_6163_6f6c { return .location }
    case 10:
      if first == 0x6567_612d_7265_7375 && last == 0x746e_6567_612d_7265 { return .userAgent }
      if first == 0x6974_6365_6e6e_6f63 && last == 0x6e6f_6974_6365_6e6e { return .connection }
      if first == 0x6874_656d_2d70_636d && last == 0x646f_6874_656d_2d70 { return .mcpMethod }
    case 11:
      if first == 0x6661_2d79_7274_6572 && last == 0x7265_7466_612d_7972 { return .retryAfter }
    case 12:
      if first == 0x2d74_6e65_746e_6f63 && last == 0x6570_7974_2d74_6e65 { return .contentType }
    case 13:
      if first == 0x7a69_726f_6874_7561 && last == 0x6e6f_6974_617a_6972 { return .authorization }
      if first == 0x6576_652d_7473_616c && last == 0x6469_2d74_6e65_7665 { return .lastEventID }
    case 14:
      if first == 0x2d74_6e65_746e_6f63 && last == 0x6874_676e_656c_2d74 { return .contentLength }
      if first == 0x7373_6573_2d70_636d && last == 0x6469_2d6e_6f69_7373 {
        return .mcpSessionID
      }
    case 16:
      if first == 0x2d74_6e65_746e_6f63 && last == 0x676e_6964_6f63_6e65 {
        return .contentEncoding
      }
      if first == 0x6874_7561_2d77_7777 && last == 0x6574_6163_6974_6e65 { return .authenticate }
    case 17:
      if first == 0x7265_6673_6e61_7274 && middle == 0x6e69_646f_636e_652d
        && last == 0x676e_6964_6f63_6e65
      {
        return .transferEncoding
      }
    case 20:
      if first == 0x746f_7270_2d70_636d && middle == 0x7265_762d_6c6f_636f
        && last == 0x6e6f_6973_7265_762d
      {
        return .mcpProtocolVersion
      }
    default: break
    }
    return .other
  }

  /// Whether the name begins with `mcp-param` (a name this long may be a tool parameter's header).
  @inline(__always)
  var mayBeParameter: Bool { count > 10 && first == 0x6172_6170_2d70_636d }
}

/// Whether `byte` may stand in a field name or a method (tchar, RFC 9110 §5.6.2).
@inline(__always)
func isTokenByte(_ byte: UInt8) -> Bool { cscan_http_is_token(byte) != 0 }
