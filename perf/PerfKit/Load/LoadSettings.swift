public import EventLoop

/// What a load run sends, how fast and for how long.
public struct LoadSettings: Sendable {
  /// One kind of request, and how often it is chosen beside the others.
  public struct Call: Sendable {
    /// A tool's name, or one of `tools/list`, `server/discover`, `ping`.
    public var name: String
    /// A JSON object.
    public var arguments: String
    public var weight: Int

    public init(name: String, arguments: String = "{}", weight: Int = 1) {
      self.name = name
      self.arguments = arguments
      self.weight = weight
    }
  }

  /// Which generation of the protocol the connections speak.
  public enum EraChoice: String, Sendable, CaseIterable {
    case modern, legacy
    /// Every other connection.
    case mix
  }

  /// Which framing of answers is asked for, with `"stream":true` among the arguments; the model server listens to it.
  public enum AnswerChoice: String, Sendable, CaseIterable {
    case json, sse
    /// Every other request.
    case mix
  }

  public var address: SocketAddress
  public var path: String
  /// Value of the `Host` field.
  public var host: String
  /// Further fields, each `Name: value`.
  public var headers: [String] = []
  public var connections = 16
  public var threads = 1
  /// Requests per second of an open loop; nil for a closed loop.
  public var rate: Double?
  /// Length of the measured interval in seconds, unless `requests` ends it.
  public var durationSeconds = 10.0
  /// Ends the measured interval of a closed loop after so many requests.
  public var requests: Int?
  public var warmupSeconds = 1.0
  public var era = EraChoice.modern
  public var answer = AnswerChoice.json
  public var calls = [Call(name: "query")]
  /// A request without its whole answer after this long has failed.
  public var timeoutSeconds = 10.0
  /// Texts no answer may contain.
  public var expectAbsent: [String] = []
  /// Texts every answer must contain.
  public var expectPresent: [String] = []
  /// Connections that are opened and held beside the load.
  public var idleConnections = 0
  /// Whether an idle connection has had one request answered before.
  public var idleAfterRequest = true
  /// Processes whose processor time and memory are reported.
  public var processes: [Int32] = []
  public var io = IOChoice.automatic
  public var bufferBytes = 16384
  /// An answer longer than this is an error.
  public var answerBytesMax = 16 << 20

  public init(address: SocketAddress, path: String, host: String) {
    self.address = address
    self.path = path
    self.host = host
  }
}

/// `http://127.0.0.1:8080/orders/mcp` in its parts.
public struct TargetURL: Sendable {
  public let address: SocketAddress
  public let path: String
  public let host: String

  /// - Throws: `IOError` for anything but `http://` with a numeric address or `localhost`.
  public init(_ text: String) throws(IOError) {
    guard text.hasPrefix("http://") else {
      throw IOError(operation: "'\(text)' does not begin with http://", code: 22)
    }
    let rest = text.dropFirst(7)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let target = rest.dropFirst(authority.count)
    let colon = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
    var name = String(colon.map { authority[..<$0] } ?? authority)
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    if name == "localhost" { name = "127.0.0.1" }
    let digits = colon.map { authority[authority.index(after: $0)...] } ?? "80"
    guard let port = UInt16(digits), port > 0 else {
      throw IOError(operation: "'\(digits)' is no port number", code: 22)
    }
    address = try SocketAddress(host: name, port: port)
    path = target.isEmpty ? "/" : String(target)
    host = String(authority)
  }
}
