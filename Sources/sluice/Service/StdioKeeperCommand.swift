import Bridge
import Glibc

/// `sluice stdio-keeper PROGRAM ARGUMENTS`: what the gateway starts a server's program with, so that nothing the program starts
/// outlives it. Not for people, like `StdioGuardCommand`.
enum StdioKeeperCommand {
  static let name = "stdio-keeper"

  static var isAskedFor: Bool {
    CommandLine.argc > 2 && CommandLine.arguments[1] == name
  }

  static func run() -> Never {
    ProgramMemory.releaseStartUpPages()
    exit(unsafe StdioKeeper.run(CommandLine.unsafeArgv + 2))
  }
}
