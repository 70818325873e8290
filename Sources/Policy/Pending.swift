// Stands in for what the JSON index and the masker bring; goes away with their merge.

public struct JSONToken: BitwiseCopyable, Equatable, Sendable {
  public var index: UInt32
  public init(index: UInt32) { self.index = index }
}

public struct JSONIndex: ~Copyable {
  public init() {}
}

public enum MaskTreatment: UInt8, Sendable {
  case redact
  case partial
}

public struct MaskRuleSet: BitwiseCopyable, Sendable {
  var words: InlineArray<4, UInt64> = .init(repeating: 0)
  public init() {}
}
