/// How a server with a URL speaks.
public enum ServerTransport: String, CaseIterable, Sendable {
  /// Streamable HTTP (2025-03-26 and newer).
  case http
  /// HTTP+SSE (2024-11-05): an event stream, and an address for messages that it names.
  case sse
}

/// Which revisions a server speaks.
public enum ServerEra: String, CaseIterable, Sendable {
  /// It says so itself to every agent: requests pass in the era they come in.
  case auto
  /// 2026-07-28 only. Agents of the earlier revisions are served by the gateway.
  case modern
}
