/// A server of the policy: its place in `PolicyDefinition.servers`.
public struct ServerID: BitwiseCopyable, Equatable, Hashable, Sendable {
  public var index: UInt32

  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}

/// A rule of the policy: its place in `PolicyDefinition.rules`.
public struct RuleID: BitwiseCopyable, Equatable, Hashable, Sendable {
  public var index: UInt32

  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}

/// A profile of the policy: its place in `PolicyDefinition.profiles`.
public struct ProfileID: BitwiseCopyable, Equatable, Hashable, Sendable {
  public var index: UInt32

  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}
