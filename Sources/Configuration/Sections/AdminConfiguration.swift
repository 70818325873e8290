/// Where the gateway tells machines about itself: metrics, health, status. No authentication and no secrets.
public struct AdminConfiguration: Equatable, Sendable {
  public var address = SocketAddress(bytes: [127, 0, 0, 1], port: 9901)

  public init() {}
}

extension AdminConfiguration: SchemaObject {
  static var keys: KeyTable<AdminConfiguration> {
    KeyTable(
      keys: [
        .required(
          "address", \.address, .socketAddress,
          "IP address and port of /metrics, /healthz, /readyz and /status.json, such as 127.0.0.1:9901"
        )
      ],
      finish: { admin, node, reading in
        guard !admin.address.isLoopback else { return }
        reading.warn(
          at: "\(reading.path).address",
          "other machines can read metrics and status here, with the names of servers and rules; let only the monitoring "
            + "reach this port")
      })
  }
}

extension SocketAddress {
  /// The address alone, without brackets.
  public var host: String { IPAddress.text(bytes) }
}
