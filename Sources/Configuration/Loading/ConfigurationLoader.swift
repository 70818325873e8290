import Foundation
public import Identity
import PlainJSON
public import Policy

/// A configuration with everything that is made of it once: what `sluice serve` starts from.
public struct LoadedConfiguration: Sendable {
  public var configuration: Configuration
  public let policy: PolicyProgram
  public let identities: IdentitySnapshot
  /// Where each value was written, for errors that only show later (a host name nobody knows).
  public let source: ConfigurationSource
  /// What works but deserves a second look, as a person reads it, one per line.
  public let warnings: [String]
  /// The file itself and every file whose content went into this: when one of them changes, so may this.
  public let files: [String]
  /// How each of them was just before it was read; nil for one that was not there.
  public let stamps: [String: FileStamp?]
  /// Stands for the text and every secret that it refers to, in this process: two loads that found the same have the
  /// same value.
  public let contents: Int

  /// The policy's revision, as records and logs show it: 16 hexadecimal digits.
  public var revision: String {
    let digits = policy.revision
    return String(
      decoding: (0..<digits.byteCount).map {
        unsafe digits.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
      }, as: UTF8.self)
  }
}

/// Reads `sluice.yaml`.
public enum ConfigurationLoader {
  /// Reads, checks and compiles the file.
  /// - Parameters:
  ///   - path: the file; relative paths in it start at its folder.
  ///   - overrides: values from the command line that take the place of the file's.
  ///   - environment: where `env:` references are looked up; nil for the process's own.
  ///   - programs: what programs printed at earlier loads.
  /// - Throws: everything that is wrong, each with its place and the way out.
  public static func load(
    path: String, overrides: [ConfigurationOverride] = [],
    environment: [String: String]? = nil, programs: ProgramSecrets = ProgramSecrets()
  ) throws(ConfigurationErrors) -> LoadedConfiguration {
    let source = try readFile(path)
    let secrets = SecretResolver(
      environment: environment ?? ProcessInfo.processInfo.environment,
      directory: directory(of: path), programs: programs)
    return try load(source, overrides: overrides, secrets: secrets)
  }

  /// Checks the file as `load` does, but where a secret cannot be had, warns: the person who checks
  /// a file need not hold the secrets.
  public static func check(
    path: String, environment: [String: String]? = nil
  ) throws(ConfigurationErrors) -> ConfigurationSummary {
    let source = try readFile(path)
    let secrets = SecretResolver(
      environment: environment ?? ProcessInfo.processInfo.environment,
      directory: directory(of: path), isLenient: true)
    return ConfigurationSummary(try load(source, overrides: [], secrets: secrets), name: path)
  }

  /// The configuration as the gateway would serve it, every default written out, as YAML that the gateway reads the same
  /// way. Secrets stay references, and need not be there.
  /// - Throws: everything that is wrong with the file.
  public static func resolved(
    path: String, overrides: [ConfigurationOverride] = []
  ) throws(ConfigurationErrors) -> String {
    let source = try readFile(path)
    let secrets = SecretResolver(
      environment: [:], directory: directory(of: path), isLenient: true)
    _ = try load(source, overrides: overrides, secrets: secrets)
    var composer = NodeComposer()
    guard var root = composer.compose(source.text) else {
      throw ConfigurationErrors(composer.issues, in: source)
    }
    for override in overrides { override.apply(to: &root) }
    return Configuration.keys.complete(root).yaml
  }

  /// The JSON Schema (draft 2020-12) of the file, for editors.
  public static var schema: String {
    let head: JSONValue = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "sluice.yaml",
      "description": "Configuration of the Sluice gateway",
    ]
    let document = (Configuration.keys.schema.members ?? []).reduce(head) {
      $0.adding($1.name, $1.value)
    }
    return document.indented + "\n"
  }
}

extension ConfigurationLoader {
  static func load(
    _ source: SourceText, overrides: [ConfigurationOverride], secrets: SecretResolver
  ) throws(ConfigurationErrors) -> LoadedConfiguration {
    let (configuration, reading) = try read(source, overrides: overrides, secrets: secrets)
    let policy: PolicyProgram
    do {
      policy = try PolicyProgram(definition: configuration.policyDefinition)
    } catch {
      throw ConfigurationErrors(
        error.problems.map(ConfigurationIssue.init), in: source, files: reading.files)
    }
    return LoadedConfiguration(
      configuration: configuration, policy: policy,
      identities: try configuration.identitySnapshot(in: source),
      source: ConfigurationSource(text: source, origins: reading.origins),
      warnings: reading.warnings.sorted(by: ConfigurationIssue.areInOrder)
        .map { $0.rendered(in: source) },
      files: [source.name] + reading.files,
      stamps: reading.stamps.merging([source.name: source.stamp]) { _, main in main },
      contents: reading.contents(with: source.text))
  }

  /// Reads and checks everything but what the policy's compiler checks.
  static func read(
    _ source: SourceText, overrides: [ConfigurationOverride] = [], secrets: SecretResolver
  ) throws(ConfigurationErrors) -> (Configuration, Reading) {
    var composer = NodeComposer()
    guard var root = composer.compose(source.text) else {
      throw ConfigurationErrors(composer.issues, in: source)
    }
    let opened = overrides.compactMap { $0.opensTLSListener(of: root) }
    for override in overrides { override.apply(to: &root) }
    var reading = Reading(secrets: secrets)
    for (flag, place) in opened {
      reading.warn(
        .flag(flag),
        "the file's listener\(place) speaks TLS, and what listens in its place does not: tokens cross the network in the clear"
      )
    }
    if case .scalar(let scalar) = root.content, scalar.isNull {
      throw ConfigurationErrors([.init(path: "", message: NodeComposer.emptyFile)], in: source)
    }
    let configuration = Configuration.keys.read(root, &reading)
    guard let configuration, reading.issues.isEmpty else {
      throw ConfigurationErrors(reading.issues, in: source, files: reading.files)
    }
    return (configuration, reading)
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The file's text, or why there is none.
  static func readFile(_ path: String) throws(ConfigurationErrors) -> SourceText {
    func failure(_ message: String) -> ConfigurationErrors {
      ConfigurationErrors([.init(path: "", message: message)], in: SourceText(name: path, text: ""))
    }
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw failure("there is no such file; `sluice init` writes a commented one to start from")
    }
    guard !isDirectory.boolValue else { throw failure("this is a folder; name the file in it") }
    let stamp = FileStamp(path)
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw failure("this file may not be read by the user the process runs as")
    }
    defer { try? handle.close() }
    let data: Data?
    do {
      data = try handle.read(upToCount: SourceText.bytesMax + 1)
    } catch {
      throw failure("cannot be read: \(error.localizedDescription)")
    }
    var issues: [ConfigurationIssue] = []
    let bytes = Array(data ?? Data())
    guard var source = SourceText.decode(bytes, name: path, issues: &issues) else {
      throw ConfigurationErrors(
        issues,
        in: SourceText(
          name: path, text: String(decoding: bytes.prefix(SourceText.bytesMax), as: UTF8.self)))
    }
    source.stamp = stamp
    return source
  }
}
