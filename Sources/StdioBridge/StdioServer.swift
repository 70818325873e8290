internal import Hummingbird
internal import Subprocess

/// An MCP server that speaks on its standard input and output: how to start it.
public struct StdioServer: Sendable, Equatable {
  public var name: String
  /// The program, looked for on the PATH of `environment` unless it holds a slash, and its arguments.
  public var command: [String]
  /// The whole environment of the child: nothing of the gateway's own is passed on.
  public var environment: [String: String]
  public var directory: String?

  public init(
    name: String, command: [String], environment: [String: String] = [:], directory: String? = nil
  ) {
    self.name = name
    self.command = command
    self.environment = environment
    self.directory = directory
  }
}
