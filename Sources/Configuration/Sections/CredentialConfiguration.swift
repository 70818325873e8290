public import Identity

/// What the gateway proves itself with to a server.
public struct CredentialConfiguration: Sendable {
  /// The name of the field, as it is sent.
  public var header = ""
  /// What stands before the secret and a space, such as `Bearer`; nil for the secret alone.
  public var scheme: String?
  /// The secret as the file refers to it: `env:ORDERS_TOKEN`. Safe to show. Empty when a program prints it.
  public var reference = ""
  /// The program that prints the secret.
  public var program: SecretProgram?
  /// The field's whole value, scheme and all.
  public var fieldValue = Secret([UInt8]())

  /// The program and its settings as the file has them; together they make `program`.
  var command: [String] = []
  var refreshMilliseconds = SecretProgram(command: []).refreshMilliseconds
  var timeoutMilliseconds = SecretProgram(command: []).timeoutMilliseconds
  var maxAgeMilliseconds = SecretProgram(command: []).maxAgeMilliseconds

  public init() {}

  /// Where the secret comes from, for people.
  public var origin: String { program.map { "exec:\($0.command[0])" } ?? reference }

  /// The field's value with this secret.
  /// - Returns: nil when the secret has a character that cannot be sent.
  public func value(of secret: [UInt8]) -> Secret? {
    guard secret.allSatisfy({ (0x20...0x7E).contains($0) }), secret.first != 0x20,
      secret.last != 0x20
    else { return nil }
    return Secret(scheme.map { Array("\($0) ".utf8) + secret } ?? secret)
  }

  public static let unsendable =
    "the secret has a character that cannot be sent in a header field (a line break, a space around it, or something that "
    + "is not ASCII)"
}

extension CredentialConfiguration: SchemaObject {
  static var keys: KeyTable<CredentialConfiguration> {
    let seconds = 1000...86_400_000
    return KeyTable(
      keys: [
        .required(
          "header", \.header, .credentialHeader,
          "the name of the header field, such as Authorization"),
        .optional(
          "scheme", \.scheme, Shape<String>.credentialScheme.optional,
          "what is sent before the secret and a space, such as Bearer; nothing when left out"),
        .optional(
          "value", \.reference, .secretReference,
          "a reference to the secret: env:NAME or file:/path; a file is read again when it changes"
        ).withoutDefault,
        .optional(
          "exec", \.command,
          .list(.text(bytesMax: 4096, expected: "an argument"), atLeast: 1, atMost: 64),
          "in place of value: a program that prints the secret, with its arguments"
        ).withoutDefault,
        .optional(
          "refresh", \.refreshMilliseconds, .duration(seconds),
          "how often the program is asked again"),
        .optional(
          "timeout", \.timeoutMilliseconds, .duration(100...60_000), "how long it may run"),
        .optional(
          "max_age", \.maxAgeMilliseconds, .duration(seconds),
          "how long the last secret is used while the program fails; then the server's calls are refused"
        ),
      ],
      later: [
        ("oauth", "use a credential that lasts, by reference"),
        ("exchange", "use a credential that lasts, by reference"),
      ],
      tells: { key, members in
        !["refresh", "timeout", "max_age"].contains(key) || members.contains { $0.key == "exec" }
      },
      finish: { credential, node, reading in credential.finish(node, &reading) })
  }

  private mutating func finish(_ node: Node, _ reading: inout Reading) {
    guard node.has("value") != node.has("exec") else {
      return reading.report(
        node.origin,
        node.has("value")
          ? "the secret comes from \"value\" or from \"exec\"; leave one of them out"
          : "the key \"value\" is missing: a reference to the secret (env:NAME or file:/path), or exec: [program, argument] "
            + "for a program that prints it")
    }
    guard node.has("exec") else {
      for key in ["refresh", "timeout", "max_age"] where node.has(key) {
        reading.report(at: "\(reading.path).\(key)", "has a meaning beside \"exec\" only")
      }
      return resolveReference(&reading)
    }
    var program = SecretProgram(command: command)
    if command[0].contains("/") { program.command[0] = reading.secrets.absolute(command[0]) }
    program.refreshMilliseconds = refreshMilliseconds
    program.timeoutMilliseconds = timeoutMilliseconds
    program.maxAgeMilliseconds = max(maxAgeMilliseconds, refreshMilliseconds)
    self.program = program
    // Who checks a file need not run what is in it.
    guard !reading.secrets.isLenient else { return }
    do {
      let secret = try reading.secrets.programs.fetch(program)
      reading.note(contents: secret)
      use(secret, at: "\(reading.path).exec", &reading)
    } catch {
      reading.report(at: "\(reading.path).exec", "\(error)")
    }
  }

  private mutating func resolveReference(_ reading: inout Reading) {
    guard case .success(let reference) = SecretResolver.reference(reference) else { return }
    let path = "\(reading.path).value"
    guard let secret = reading.secrets.resolve(reference, at: path, &reading) else { return }
    use(secret, at: path, &reading)
  }

  private mutating func use(_ secret: [UInt8], at path: String, _ reading: inout Reading) {
    guard let value = value(of: secret) else { return reading.report(at: path, Self.unsendable) }
    if scheme == nil, header.lowercased() == "authorization", !secret.isEmpty,
      !secret.contains(0x20)
    {
      reading.warn(
        at: path,
        "Authorization is sent without a scheme; if the secret is a bare token, add \"scheme: Bearer\""
      )
    }
    fieldValue = value
  }
}
