/// The URI of a protected resource (RFC 8707 §2, RFC 9728 §1.2), in the one form in which two of them are compared.
///
///     HTTPS://MCP.Example:443/orders/mcp/   ->   https://mcp.example/orders/mcp
///
/// Scheme and host are lower case, the scheme's own port is left out, and so is one slash at the end: clients differ in
/// these, and none of them makes another resource.
public struct ResourceIdentifier: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// Nil when the text is no `http` or `https` URI with a host, or has a fragment or user information.
  public init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"), !text.contains("#") else { return nil }
    let scheme = text[..<separator.lowerBound].lowercased()
    guard scheme == "https" || scheme == "http" else { return nil }
    let rest = text[separator.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    var path = rest.dropFirst(authority.count)
    guard !authority.isEmpty, !authority.contains("@"),
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C })
    else { return nil }
    var host = authority.lowercased()
    let port = scheme == "https" ? ":443" : ":80"
    if host.hasSuffix(port) { host.removeLast(port.count) }
    if path.hasSuffix("/") { path.removeLast() }
    guard !host.isEmpty else { return nil }
    description = "\(scheme)://\(host)\(path)"
  }

  /// The resource at a path below this one, which has no query.
  public func appending(path: String) -> ResourceIdentifier {
    ResourceIdentifier(description + path)!
  }

  /// Scheme and host alone, and the path behind them.
  public var parts: (origin: String, path: String) {
    let start = description.firstRange(of: "://")!.upperBound
    let slash = description[start...].firstIndex(of: "/") ?? description.endIndex
    return (String(description[..<slash]), String(description[slash...]))
  }

  /// The host, without a port.
  public var host: String {
    let authority = parts.origin[parts.origin.firstRange(of: "://")!.upperBound...]
    guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
      return String(authority)
    }
    return String(authority[..<colon])
  }
}
