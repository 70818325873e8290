/// The file a configuration came from, kept to say where a value is that turns out to be wrong
/// later.
public struct ConfigurationSource: Sendable {
  let text: SourceText
  let origins: [String: Node.Origin]

  /// An error about a value, with its place in the file: for what only shows when the gateway
  /// starts.
  ///
  ///     source.error(at: "servers.orders.url", "no such host: orders.internal")
  ///     // sluice.yaml:12:5: servers.orders.url: no such host: orders.internal
  ///
  /// - Parameter message: must not hold a secret.
  public func error(at path: String, _ message: String) -> ConfigurationErrors {
    ConfigurationErrors([.init(origin: origin(of: path), path: path, message: message)], in: text)
  }

  /// Where the value was written, or the innermost value around it that was.
  private func origin(of path: String) -> Node.Origin? {
    Reading.origin(of: path, in: origins)
  }
}
