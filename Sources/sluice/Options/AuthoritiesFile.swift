import Foundation
import Identity

/// What `--authorities` names.
enum AuthoritiesFile {
  /// The certificates in a file, in PEM form; nil where no file is named.
  static func read(_ path: String?) throws(CommandFailure) -> [UInt8]? {
    guard var path else { return nil }
    // As the configuration writes it.
    if path.hasPrefix("file:") { path.removeFirst(5) }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandFailure("\(path) cannot be read.", status: .usage)
    }
    let pem = Array(data)
    do throws(TLSProblem) {
      _ = try TLSAuthorities(pem: pem)
    } catch {
      throw CommandFailure("\(path) cannot be trusted: \(error).", status: .usage)
    }
    return pem
  }
}
