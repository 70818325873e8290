internal import EventLoop

/// Servers that speak only the modern era: what comes in the legacy one takes a route of its own, to the bridge between the
/// eras. It is judged, masked and recorded as it would be anywhere: name, policy and masks are the server's.
extension Worker {
  /// Turns the exchange to the route of the legacy era, where its server has one.
  mutating func takeLegacyRoute(_ slot: UInt32) {
    let legacy = route(of: slot).legacy
    if legacy >= 0 { exchanges[slot].route = legacy }
  }
}
