/// How a server with a URL speaks.
public enum ServerTransport: String, CaseIterable, Sendable {
  /// Streamable HTTP (2025-03-26 and newer).
  case http
  /// HTTP+SSE (2024-11-05): an event stream, and an address for messages that it names.
  case sse
}

/// What agents get of the ids of a server's events, with which a stream that broke off is taken up again.
public enum EventIDs: String, CaseIterable, Sendable {
  /// Ids of the gateway's, which open for the same principal, server and session alone.
  case sealed
  /// The server's own.
  case server
}

/// Which revisions a server speaks.
public enum ServerEra: String, CaseIterable, Sendable {
  /// It says so itself to every agent: requests pass in the era they come in.
  case auto
  /// 2026-07-28 only. Agents of the earlier revisions are served by the gateway.
  case modern
}
