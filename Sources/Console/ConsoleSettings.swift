internal import Hummingbird
internal import JWTKit
internal import Mustache

/// Where the console and the admin API listen, and who may look.
public struct ConsoleSettings: Sendable {
  public var host = "127.0.0.1"
  public var port = 8081

  public init() {}
}
