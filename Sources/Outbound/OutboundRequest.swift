/// One HTTP request of the control plane: to an identity provider, a webhook, a notifier.
public struct OutboundRequest: Sendable {
  public var method = "GET"
  /// An absolute URL; http and https only.
  public var url: String
  /// Names and values; neither may hold a line break.
  public var fields: [(name: String, value: String)] = []
  public var body: [UInt8]? = nil
  /// The exchange fails when the answer's body is longer.
  public var answerBytesMax = 1 << 20
  public var connectMilliseconds = 5_000
  /// From the first byte of the request to the last of the answer, connecting included; 0 for as long as it takes.
  public var totalMilliseconds = 10_000
  /// Certificate authorities instead of the system's, in PEM form.
  public var authorities: [UInt8]? = nil

  public init(_ method: String = "GET", url: String) {
    self.method = method
    self.url = url
  }
}

/// What a server said.
public struct OutboundAnswer: Sendable {
  public var status: Int
  /// Names in lower case.
  public var fields: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// The value of the first field of this name, whatever its case.
  public func field(_ name: String) -> String? {
    let name = name.lowercased()
    return fields.first { $0.name == name }?.value
  }
}

/// Why nothing came back, in words for a person.
public struct OutboundError: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) {
    self.description = description
  }
}
