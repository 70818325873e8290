/// The two families of protocol revisions (mcp-wire §1).
public enum Era: UInt8, BitwiseCopyable, Sendable {
  /// Up to 2025-11-25: an `initialize` handshake, sessions, GET streams.
  case legacy
  /// 2026-07-28: every request stands alone, told by its `_meta` and its headers.
  case modern
}

/// The revisions of the protocol that the gateway speaks, oldest first.
public enum ProtocolVersion: UInt8, BitwiseCopyable, Sendable, CaseIterable, Comparable {
  // Dates cannot be told apart without the separators.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28

  public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
    left.rawValue < right.rawValue
  }

  public var era: Era { self == .v2026_07_28 ? .modern : .legacy }

  /// The version as it is written in headers and messages.
  public var name: StaticString {
    switch self {
    case .v2024_11_05: "2024-11-05"
    case .v2025_03_26: "2025-03-26"
    case .v2025_06_18: "2025-06-18"
    case .v2025_11_25: "2025-11-25"
    case .v2026_07_28: "2026-07-28"
    }
  }

  /// The version that is written so, byte for byte; nil for any other text.
  public init?(_ text: RawSpan) {
    guard text.byteCount == 10 else { return nil }
    let newestFirst: InlineArray<5, ProtocolVersion> = [
      .v2026_07_28, .v2025_11_25, .v2025_06_18, .v2025_03_26, .v2024_11_05,
    ]
    for index in newestFirst.indices {
      let version = newestFirst[index]
      if WireText.equals(text, version.name) {
        self = version
        return
      }
    }
    return nil
  }
}

/// Some of the versions.
public struct ProtocolVersionSet: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public init(_ version: ProtocolVersion) { self.init(rawValue: 1 << version.rawValue) }

  /// The versions of the modern era.
  public static var modern: ProtocolVersionSet { ProtocolVersionSet(.v2026_07_28) }

  /// Writes the versions as the elements of a JSON array, newest first, as `server/discover` lists them.
  public func list(into out: inout ByteWriter) {
    var isFirst = true
    for raw in stride(from: Int(ProtocolVersion.v2026_07_28.rawValue), through: 0, by: -1) {
      guard let version = ProtocolVersion(rawValue: UInt8(raw)),
        contains(ProtocolVersionSet(version))
      else { continue }
      if !isFirst { out.append(0x2c) }
      isFirst = false
      out.append(0x22)
      out.append(version.name)
      out.append(0x22)
    }
  }
}

/// Comparing bytes with fixed texts.
enum WireText {
  @inline(__always)
  static func equals(_ bytes: RawSpan, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.byteCount == count else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe count == 0 || sameBytes(buffer.baseAddress!, text.utf8Start, count)
    }
  }
}
