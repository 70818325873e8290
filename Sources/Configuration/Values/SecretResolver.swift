import Foundation
import Identity

/// Finds the secrets that the configuration refers to.
///
///     env:ORDERS_TOKEN              the environment variable
///     file:/run/secrets/orders      the file's content; a relative path starts at the configuration's folder
///
/// One trailing line break is cut off, because editors and `echo` put it there. Nothing here ever
/// puts a secret, or a text that may be one, into a message.
struct SecretResolver {
  /// Largest secret in bytes.
  static let bytesMax = 16 << 10
  /// Largest list of certificates in bytes; systems' own lists have 250 KB.
  static let publicBytesMax = 4 << 20

  var environment: [String: String]
  /// The folder that relative paths start at.
  var directory: String
  /// Report a secret that cannot be had as a warning: `sluice check` may run where the secrets are
  /// not.
  var isLenient = false
  /// What programs printed before.
  var programs = ProgramSecrets()

  enum Reference: Equatable {
    case environment(String)
    case file(String)
  }

  static let advice =
    "expected a reference to a secret: a secret is never written into this file, where it would be copied, shown and committed; "
    + "put it into an environment variable and write \"env:NAME\", or into a file and write \"file:/path\""

  static func reference(_ text: String) -> Result<Reference, Refusal> {
    if text.hasPrefix("env:") {
      let name = text.dropFirst(4)
      let isName =
        name.utf8.allSatisfy { URLCharacters.isLetterOrDigit($0) || $0 == 0x5F }
        && name.utf8.first.map { !(0x30...0x39).contains($0) } == true
      return isName
        ? .success(.environment(String(name)))
        : .failure(
          "after \"env:\" stands the name of an environment variable, such as env:ORDERS_TOKEN")
    }
    if text.hasPrefix("file:") {
      let path = text.dropFirst(5)
      return path.isEmpty
        ? .failure("after \"file:\" stands a path, such as file:/run/secrets/orders")
        : .success(.file(String(path)))
    }
    if text.hasPrefix("exec:") {
      return .failure(
        "a program is not named here; in a credential write exec: [program, argument] in place of \"value\", elsewhere have its output written to a file and use \"file:\""
      )
    }
    return .failure("\(advice)")
  }

  /// Fetches what is no secret, such as certificates: it may be larger, and others may read it.
  func resolvePublic(
    _ reference: Reference, at path: String, _ reading: inout Reading
  ) -> [UInt8]? {
    resolve(reference, at: path, &reading, bytesMax: Self.publicBytesMax, isSecret: false)
  }

  func resolve(
    _ reference: Reference, at path: String, _ reading: inout Reading,
    bytesMax: Int = SecretResolver.bytesMax, isSecret: Bool = true
  ) -> [UInt8]? {
    switch reference {
    case .environment(let name):
      guard let value = environment[name] else {
        return missing("the environment variable \(name) is not set", at: path, &reading)
      }
      return checked(
        Array(value.utf8), "the environment variable \(name)", bytesMax, at: path, &reading)
    case .file(let name):
      let file = absolute(name)
      reading.note(file: file)
      guard let handle = FileHandle(forReadingAtPath: file) else {
        return missing("cannot read \(file)", at: path, &reading)
      }
      defer { try? handle.close() }
      guard let data = try? handle.read(upToCount: bytesMax + 2) else {
        return missing("cannot read \(file)", at: path, &reading)
      }
      if isSecret { warnIfOthersCanRead(file, at: path, &reading) }
      return checked(Array(data), file, bytesMax, at: path, &reading)
    }
  }

  /// A path from where the process is: `./recordings` beside `gateway/sluice.yaml` is `gateway/recordings`. Always with a
  /// slash, so that no program is looked for on the PATH that was not meant to be.
  func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    var rest = path[...]
    while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
    return directory.hasSuffix("/") ? directory + rest : "\(directory)/\(rest)"
  }

  private func missing(
    _ message: String, at path: String, _ reading: inout Reading
  ) -> [UInt8]? {
    guard isLenient else {
      reading.report(at: path, message)
      return nil
    }
    reading.warn(at: path, "\(message); `sluice serve` needs it")
    return []
  }

  private func checked(
    _ bytes: [UInt8], _ source: String, _ bytesMax: Int, at path: String,
    _ reading: inout Reading
  ) -> [UInt8]? {
    var bytes = bytes
    if bytes.last == 0x0A { bytes.removeLast() }
    if bytes.last == 0x0D { bytes.removeLast() }
    guard !bytes.isEmpty else { return missing("\(source) is empty", at: path, &reading) }
    guard bytes.count <= bytesMax else {
      reading.report(at: path, "\(source) is larger than \(ByteSize.text(bytesMax))")
      return nil
    }
    reading.note(contents: bytes)
    return bytes
  }

  private func warnIfOthersCanRead(
    _ file: String, at path: String, _ reading: inout Reading
  ) {
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 != 0 else { return }
    reading.warn(at: path, "\(file) can be read by others than its owner; chmod 600 it")
  }
}
