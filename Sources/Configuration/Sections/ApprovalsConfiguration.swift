internal import PlainJSON

/// Where what must be remembered is kept: approvals and their grants.
public enum StoreConfiguration: Equatable, Sendable {
  /// A file of SQLite's, made when it is not there; absolute.
  case sqlite(path: String)
}

extension Shape where Value == StoreConfiguration {
  static var store: Shape {
    let plain = Shape<String>.text(bytesMax: 1024, expected: "a store such as sqlite:./sluice.db")
    return Shape(
      schema: ["type": "string", "pattern": "^sqlite:.+$"],
      read: { node, reading in
        guard let text = plain.read(node, &reading) else { return nil }
        if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") {
          reading.report(
            node.origin,
            "PostgreSQL as a store comes with a later version; write sqlite:./sluice.db for one gateway",
            showsSource: false)
          return nil
        }
        guard text.hasPrefix("sqlite:"), text.count > "sqlite:".count, !text.contains("?") else {
          reading.report(
            node.origin, "expected a store such as sqlite:./sluice.db, found \"\(text)\"")
          return nil
        }
        return .sqlite(path: reading.secrets.absolute(String(text.dropFirst("sqlite:".count))))
      },
      show: { store in
        switch store {
        case .sqlite(let path): .string("sqlite:\(path)")
        }
      })
  }
}

/// What holds for all approvals, whatever rule asks for them.
public struct ApprovalsConfiguration: Equatable, Sendable {
  /// Where reviewers decide, for what agents and reviewers are told: `<url>/<id>`.
  public var url: String?
  /// Told of every request for approval, with a POST of JSON.
  public var webhook: String?
  /// Requests that wait at once.
  public var pendingMax = 10_000
  /// Requests of one principal that wait at once.
  public var pendingPerPrincipalMax = 100
  /// How long decided and expired requests are kept, in milliseconds.
  public var retentionMilliseconds = 30 * 86_400_000

  public init() {}
}

extension ApprovalsConfiguration: SchemaObject {
  static var keys: KeyTable<ApprovalsConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "url", \.url, Shape<String>.webAddress.optional,
          "where reviewers decide; agents are told <url>/<id>"),
        .optional(
          "webhook", \.webhook, Shape<String>.webAddress.optional,
          "told of every request for approval, with a POST of JSON"),
        .optional(
          "max_pending", \.pendingMax, .integer(1...1_000_000), "requests that wait at once"),
        .optional(
          "max_pending_per_caller", \.pendingPerPrincipalMax, .integer(1...1_000_000),
          "requests of one caller that wait at once"),
        .optional(
          "retention", \.retentionMilliseconds, .duration(60_000...3650 * 86_400_000),
          "how long decided and expired requests are kept in the store"),
      ],
      later: [
        ("reviewers", "write reviewers into the rule's \"approval\""),
        ("slack", "use \"webhook\""),
        ("email", "use \"webhook\""),
      ])
  }
}

extension Shape where Value == String {
  /// An address for people or programs: http or https, a host, no credentials, no fragment. Without a slash at the end.
  static var webAddress: Shape {
    let plain = text(
      bytesMax: 1024, expected: "an address such as https://sluice.example/approvals")
    return Shape(
      schema: ["type": "string", "pattern": "^https?://[^/?#@\\s]+(/[^#\\s]*)?$"],
      read: { node, reading in
        guard let text = plain.read(node, &reading) else { return nil }
        let rest = text.hasPrefix("https://") ? text.dropFirst(8) : text.dropFirst(7)
        let host = rest.prefix { $0 != "/" }
        let isWell =
          (text.hasPrefix("https://") || text.hasPrefix("http://")) && !host.isEmpty
          && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
          && !host.contains("@") && !host.contains("?")
        guard isWell else {
          reading.report(
            node.origin,
            "expected an address such as https://sluice.example/approvals, without credentials or \"#\"",
            showsSource: false)
          return nil
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
      }, show: { .string($0) })
  }
}
