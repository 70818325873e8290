// Stands in for what the masker brings; goes away with its merge.

public enum MaskTreatment: UInt8, Sendable {
  case redact
  case partial
}

public struct MaskRuleSet: BitwiseCopyable, Sendable {
  var words: InlineArray<4, UInt64> = .init(repeating: 0)
  public init() {}
  public mutating func insert(_ number: Int) {
    words[number >> 6] |= 1 << UInt64(number & 63)
  }
  public func contains(_ number: Int) -> Bool {
    words[number >> 6] & (1 << UInt64(number & 63)) != 0
  }
}

public struct MaskField: Sendable {
  public var path: [String]
  public var treatment: MaskTreatment
  public var rule: Int
}

public struct MaskError: Error {}

public final class MaskProgram: Sendable {
  public init(fields: [MaskField]) throws(MaskError) {}
}
