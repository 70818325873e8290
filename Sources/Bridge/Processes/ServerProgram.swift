internal import CLinux

/// Looks for a server's program as the kernel and the keeper will, so that one which is not there is told apart from one that
/// fails.
enum ServerProgram {
  struct Missing: Error, CustomStringConvertible {
    var program: String
    var reason: String
    var description: String { "\(program): \(reason)" }
  }

  /// - Throws: when there is no such program, or it may not be run.
  static func check(_ server: BridgedServer) throws(Missing) {
    let program = server.command[0]
    var code: Int32 = -2
    for candidate in candidates(program, server) {
      let found = unsafe linux_may_run(candidate)
      if found == 0 { return }
      // Of several reasons the better one: it is there, but may not be run.
      if found != -2 { code = found }
    }
    throw Missing(program: program, reason: unsafe String(cString: linux_error_text(-code)))
  }

  private static func candidates(_ program: String, _ server: BridgedServer) -> [String] {
    if program.hasPrefix("/") { return [program] }
    let folder = server.directory.map { "\($0)/" } ?? ""
    if program.contains("/") { return [folder + program] }
    // What execvp(3) looks through where there is no PATH.
    let path = server.environment["PATH"] ?? "/bin:/usr/bin"
    return path.split(separator: ":", omittingEmptySubsequences: false).map { entry in
      let place = entry.isEmpty ? "." : String(entry)
      return (place.hasPrefix("/") ? "" : folder) + "\(place)/\(program)"
    }
  }
}
