public import SluiceConfiguration

/// Why the gateway does not start, does not take a configuration, or did not stop well: in words for the person who runs it.
public struct ServiceFailure: Error, Sendable, CustomStringConvertible {
  public var description: String
  /// What is wrong in the file, when that is the reason.
  public var errors: ConfigurationErrors?

  public init(_ description: String) {
    self.description = description
  }

  public init(_ errors: ConfigurationErrors) {
    description = errors.description
    self.errors = errors
  }
}
