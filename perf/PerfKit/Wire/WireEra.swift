/// The two generations of the protocol on the wire.
public enum WireEra: UInt8, Sendable, CaseIterable {
  /// With an `initialize` handshake and sessions; 2025-11-25 here.
  case legacy
  /// Without; 2026-07-28 here.
  case modern

  var version: String { self == .legacy ? "2025-11-25" : "2026-07-28" }
}
