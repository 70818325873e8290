/// Who calls, as the policy sees them: plain bits, so that a decision touches no text and no reference.
///
/// Made by the program it is used with (`PolicyProgram.principal(at:)`, `makePrincipal`), because the bits mean
/// that program's groups and profiles; a program loaded later needs principals of its own.
public struct Principal: BitwiseCopyable, Sendable {
  /// Place in `PolicyDefinition.principals`, or `UInt32.max` for one that is not there.
  public let index: UInt32
  public let kind: PrincipalKind
  /// Number of the principal's name among those that rules and profiles mention, or `UInt32.max`.
  let nameNumber: UInt32
  /// The groups it is in, among those the policy mentions.
  let groups: BoundedSet
  /// The profiles it has, by its groups or its name.
  let profiles: BoundedSet
}

/// A set of numbers below 512, as bits.
public struct BoundedSet: BitwiseCopyable, Sendable {
  static let capacity = 512
  var words: InlineArray<8, UInt64>

  init() {
    words = .init(repeating: 0)
  }

  mutating func insert(_ number: Int) {
    precondition(number >= 0 && number < BoundedSet.capacity)
    words[number >> 6] |= 1 << UInt64(number & 63)
  }

  func contains(_ number: Int) -> Bool {
    words[number >> 6] & (1 << UInt64(number & 63)) != 0
  }

  /// The least number that is in both sets.
  func firstCommon(with other: BoundedSet) -> Int? {
    for index in 0..<8 {
      let common = words[index] & other.words[index]
      if common != 0 { return index << 6 | common.trailingZeroBitCount }
    }
    return nil
  }
}
