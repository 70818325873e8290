/// What commands beside a gateway want to know of its file.
public enum ConfigurationPart: String, Sendable {
  case admin, audit, console, servers, sinks
}

extension ConfigurationLoader {
  /// What the file says of where things are, for commands beside a gateway: they run as somebody else, who has neither its
  /// secrets nor its keys, and perhaps just because something is wrong with the file. Only the named parts are read, and
  /// whatever these refer to need not be there.
  /// - Throws: what is wrong with these parts, or that there is no such file.
  public static func outline(
    path: String, of parts: [ConfigurationPart]
  ) throws(ConfigurationErrors) -> Configuration {
    let source = try readFile(path)
    var composer = NodeComposer()
    guard let root = composer.compose(source.text) else {
      throw ConfigurationErrors(composer.issues, in: source)
    }
    guard case .mapping(let members) = root.content else {
      throw ConfigurationErrors([.init(path: "", message: NodeComposer.emptyFile)], in: source)
    }
    var reading = Reading(
      secrets: SecretResolver(
        environment: [:], directory: directory(of: path), isLenient: true))
    var configuration = Configuration()
    for key in Configuration.keys.keys where parts.contains(where: { $0.rawValue == key.name }) {
      guard let member = members.first(where: { $0.key == key.name }) else {
        if key.isRequired {
          reading.report(root.origin, "the key \"\(key.name)\" is missing: \(key.explanation)")
        }
        continue
      }
      reading.descend(key.name, member.value) { key.read($0, &configuration, &$1) }
    }
    guard reading.issues.isEmpty else { throw ConfigurationErrors(reading.issues, in: source) }
    return configuration
  }
}
