import Bridge
import Glibc

/// `sluice stdio-guard`: what the gateway starts beside itself to end its servers' processes when it is killed. Not for people,
/// so not in the help; and told apart before anything else is touched, because it is to weigh next to nothing.
enum StdioGuardCommand {
  static let name = "stdio-guard"

  static var isAskedFor: Bool {
    CommandLine.argc == 2 && CommandLine.arguments[1] == name
  }

  static func run() {
    ProgramMemory.releaseStartUpPages()
    StdioGuard.run(reading: STDIN_FILENO)
  }
}
