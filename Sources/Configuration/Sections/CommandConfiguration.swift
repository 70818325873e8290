public import Identity
internal import PlainJSON
public import Policy

/// Who shares a process of a server that is started by `command`.
public enum ProcessSharing: String, CaseIterable, Sendable {
  /// Each session of the eras with a handshake has a process of its own.
  case session
  /// All agents share one.
  case shared
}

/// A variable of the environment that a server's process gets.
public struct EnvironmentVariable: Sendable {
  public var name: String
  /// What the file says: a plain value, or a reference to a secret. A plain value may be a secret all the same.
  public var written: String
  /// Whether the file refers to the value instead of holding it.
  public var isReference: Bool
  public var value = Secret([UInt8]())
  public var position: SourcePosition?
}

/// How many processes a server may have, and how long each may take.
public struct ProcessLimitsConfiguration: Equatable, Sendable {
  /// Processes at once.
  public var processesMax = 64
  /// Until a process answers its first request.
  public var startMilliseconds = 60_000
  /// A session or a process without any request.
  public var idleMilliseconds = 1_800_000

  public init() {}
}

extension Shape where Value == [String] {
  /// A program and its arguments.
  static var command: Shape {
    .list(.commandWord, atLeast: 1, atMost: 256).map { words, node, reading in
      guard !words[0].isEmpty else {
        reading.report(node.origin, "the first word is the program; it is empty")
        return nil
      }
      // A path is looked for where everything else in this file is, not where the gateway was started.
      let program = words[0].contains("/") ? reading.secrets.absolute(words[0]) : words[0]
      return [program] + words.dropFirst()
    }
  }
}

extension Shape where Value == String {
  /// One argument, which may be empty, and may be a secret that does not belong there: it is not shown.
  fileprivate static var commandWord: Shape {
    plain(bytesMax: 32 << 10, expected: "a word of a command")
  }

  /// Any text without a NUL, never shown in messages.
  fileprivate static func plain(bytesMax: Int, expected: String) -> Shape {
    Shape(
      schema: ["type": ["string", "number", "boolean"]],
      read: { node, reading in
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        guard text.utf8.count <= bytesMax, !text.utf8.contains(0) else {
          reading.report(
            node.origin, "longer than \(bytesMax) bytes, or with a NUL in it", showsSource: false)
          return nil
        }
        return text
      })
  }

  /// A folder; a relative path starts at the configuration's folder.
  static var directory: Shape {
    .text(bytesMax: 4096, expected: "a folder").map { text, _, reading in
      reading.secrets.absolute(text)
    }
  }

  fileprivate static var environmentName: Shape {
    let plain = text(bytesMax: 256, expected: "the name of an environment variable")
    return Shape(
      schema: ["type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"],
      read: { node, reading in
        guard let name = plain.read(node, &reading) else { return nil }
        let isName =
          name.utf8.allSatisfy { URLCharacters.isLetterOrDigit($0) || $0 == 0x5F }
          && !(0x30...0x39).contains(name.utf8.first ?? 0x30)
        guard isName else {
          reading.report(node.origin, "\"\(name)\" is not the name of an environment variable")
          return nil
        }
        return name
      })
  }
}

extension Shape where Value == [EnvironmentVariable] {
  /// Names and values: `PGURL: env:PGURL`, `LANG: C.UTF-8`.
  static var environment: Shape {
    let variables: Shape = .mapping(
      keys: .environmentName,
      Shape<String>.plain(bytesMax: 32 << 10, expected: "a value, or env:NAME or file:/path")
        .map { text, node, reading in
          EnvironmentVariable.read(text, node, &reading)
        }
    ) { name, origin, variable in
      var variable = variable
      variable.name = name
      variable.position = origin.position
      return variable
    }
    return variables.map { variables, _, reading in
      for variable in variables where !variable.isReference && variable.looksSecret {
        reading.warn(
          at: "\(reading.path).\(variable.name)",
          "if this is a secret, it stands in a file that is copied, shown and committed; refer to it with env:NAME or file:/path"
        )
      }
      return variables
    }
  }
}

extension EnvironmentVariable {
  fileprivate static func read(
    _ text: String, _ node: Node, _ reading: inout Reading
  ) -> EnvironmentVariable? {
    var variable = EnvironmentVariable(
      name: "", written: text, isReference: false, value: Secret(Array(text.utf8)))
    guard ["env:", "file:", "exec:"].contains(where: text.hasPrefix) else { return variable }
    variable.isReference = true
    switch SecretResolver.reference(text) {
    case .failure(let refusal):
      reading.report(node.origin, refusal.message, showsSource: false)
      return nil
    case .success(let reference):
      guard let value = reading.secrets.resolve(reference, at: reading.path, &reading) else {
        return nil
      }
      guard !value.contains(0) else {
        reading.report(node.origin, "the value has a NUL in it, which no environment can hold")
        return nil
      }
      variable.value = Secret(value)
      return variable
    }
  }

  /// Whether the name is one that secrets have.
  fileprivate var looksSecret: Bool {
    let name = name.uppercased()
    return ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "CREDENTIAL"].contains {
      name.contains($0)
    }
  }
}
