internal import Policy

/// A value from the command line that takes the place of one in the file.
///
/// It is read by the same rules as the file: what would be refused there is refused here, with the
/// flag's name in place of the line.
public struct ConfigurationOverride: Sendable, Equatable {
  /// With its dashes: `--workers`.
  var flag: String
  /// The section and the key it replaces.
  var section: String
  var key: String
  var values: [String]

  /// `--listen ADDRESS:PORT`, which may be repeated: replaces all listeners.
  public static func listen(_ addresses: [String]) -> ConfigurationOverride {
    ConfigurationOverride(flag: "--listen", section: "listeners", key: "address", values: addresses)
  }
  /// `--workers N|auto`
  public static func workers(_ text: String) -> ConfigurationOverride {
    workers("--workers", "count", text)
  }
  /// `--io auto|io_uring|epoll`
  public static func inputOutput(_ text: String) -> ConfigurationOverride {
    workers("--io", "io", text)
  }
  /// `--pin-cpus`
  public static func pinCPUs(_ pins: Bool) -> ConfigurationOverride {
    workers("--pin-cpus", "pin_cpus", String(pins))
  }
  /// `--backlog N`
  public static func backlog(_ text: String) -> ConfigurationOverride {
    workers("--backlog", "backlog", text)
  }
  /// `--buffer-size SIZE`
  public static func bufferSize(_ text: String) -> ConfigurationOverride {
    workers("--buffer-size", "buffer_size", text)
  }
  /// `--ring-entries N`
  public static func ringEntries(_ text: String) -> ConfigurationOverride {
    workers("--ring-entries", "ring_entries", text)
  }
  /// `--max-connections N`
  public static func maxConnections(_ text: String) -> ConfigurationOverride {
    ConfigurationOverride(
      flag: "--max-connections", section: "limits", key: "max_connections", values: [text])
  }
  /// `--audit-ring-size SIZE`
  public static func auditRingSize(_ text: String) -> ConfigurationOverride {
    ConfigurationOverride(
      flag: "--audit-ring-size", section: "audit", key: "ring_size", values: [text])
  }
  /// `--log-level LEVEL`
  public static func logLevel(_ text: String) -> ConfigurationOverride {
    ConfigurationOverride(flag: "--log-level", section: "log", key: "level", values: [text])
  }
  /// `--log-format text|json`
  public static func logFormat(_ text: String) -> ConfigurationOverride {
    ConfigurationOverride(flag: "--log-format", section: "log", key: "format", values: [text])
  }

  private static func workers(_ flag: String, _ key: String, _ text: String)
    -> ConfigurationOverride
  {
    ConfigurationOverride(flag: flag, section: "workers", key: key, values: [text])
  }
}

extension ConfigurationOverride {
  /// Puts the value into the tree, as if the file said so.
  func apply(to root: inout Node) {
    guard case .mapping(var members) = root.content else { return }
    let place = members.firstIndex { $0.key == section }
    let origin = Node.Origin.flag(flag)
    if section == "listeners" {
      let listeners = values.map { Node(content: .mapping([member($0)]), origin: origin) }
      let node = Node(content: .list(listeners), origin: origin)
      if let place {
        members[place].value = node
      } else {
        members.append(.init(key: section, keyOrigin: origin, value: node))
      }
    } else if let place {
      var inner: [Node.Member] = []
      switch members[place].value.content {
      case .mapping(let members): inner = members
      case .scalar(let scalar) where scalar.isNull: break
      // A section that is no mapping is left to the reader's complaint.
      default: return
      }
      inner.removeAll { $0.key == key }
      inner += values.prefix(1).map(member)
      members[place].value.content = .mapping(inner)
    } else {
      let node = Node(content: .mapping(values.prefix(1).map(member)), origin: origin)
      members.append(.init(key: section, keyOrigin: origin, value: node))
    }
    root.content = .mapping(members)
  }

  /// Whether this replaces a listener that speaks TLS by one that does not: the flag, and where the file says so.
  func opensTLSListener(of root: Node) -> (flag: String, place: String)? {
    guard section == "listeners", case .mapping(let members) = root.content,
      case .list(let listeners)? = members.first(where: { $0.key == section })?.value.content
    else { return nil }
    let secure = listeners.first { listener in
      guard case .mapping(let keys) = listener.content else { return false }
      return keys.contains { $0.key == "tls" }
    }
    guard let secure else { return nil }
    return (flag, secure.origin.position.map { " (line \($0.line))" } ?? "")
  }

  private func member(_ value: String) -> Node.Member {
    let origin = Node.Origin.flag(flag)
    let node = Node(content: .scalar(.init(text: value, isPlain: true)), origin: origin)
    return Node.Member(key: key, keyOrigin: origin, value: node)
  }
}
