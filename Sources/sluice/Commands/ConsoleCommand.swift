import ArgumentParser
import Console
import Foundation
import Glibc

/// `sluice console`
struct ConsoleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "What the web console needs.",
    subcommands: [ConsolePasswordCommand.self])
}

/// `sluice console password`
struct ConsolePasswordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "password",
    abstract: "Make the hash of a password for the console's local administrator.",
    discussion: """
      Asks for the password (or reads one line of standard input) and prints its hash (scrypt), which is what \
      console: login: local_admin: password_hash refers to. The password itself is kept nowhere.

      EXAMPLES:
        sluice console password > admin.hash && chmod 600 admin.hash
        # console: { login: { local_admin: { password_hash: file:admin.hash } } }
      """)

  static let charactersMin = 12

  func run() throws {
    let password = try read("Password: ")
    guard password.count >= Self.charactersMin else {
      throw CommandFailure(
        "A password has at least \(Self.charactersMin) characters.", status: .usage)
    }
    guard password.utf8.count <= PasswordHash.passwordBytesMax, !password.utf8.contains(0) else {
      throw CommandFailure("This password is too long, or holds a NUL.", status: .usage)
    }
    if isatty(STDIN_FILENO) == 1 {
      guard try read("Again: ") == password else {
        throw CommandFailure("These are two passwords.", status: .usage)
      }
    }
    Terminal.write(PasswordHash(password: password).text)
  }

  /// Reads a line; on a terminal without showing it.
  private func read(_ question: String) throws(CommandFailure) -> String {
    var shown = termios()
    let isTerminal = unsafe tcgetattr(STDIN_FILENO, &shown) == 0
    if isTerminal {
      FileHandle.standardError.write(Data(question.utf8))
      var hidden = shown
      hidden.c_lflag &= ~tcflag_t(ECHO)
      unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
    }
    defer {
      if isTerminal {
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
        FileHandle.standardError.write(Data("\n".utf8))
      }
    }
    guard let line = readLine() else { throw CommandFailure("No password.", status: .usage) }
    return line
  }
}
