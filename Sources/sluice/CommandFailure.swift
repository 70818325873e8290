import ControlPlane
import SluiceConfiguration

/// Why a command ends without having done what was asked, in words for the person who asked.
struct CommandFailure: Error {
  /// Exit statuses of every command.
  enum Status: Int32 {
    case success = 0
    /// Something failed: a port in use, a broken record, a tour with a wrong outcome.
    case failure = 1
    /// The command line or the configuration is wrong.
    case usage = 2
  }

  var status: Status
  var message: String

  init(_ message: String, status: Status = .failure) {
    self.message = "sluice: error: \(message)"
    self.status = status
  }

  /// The errors of a configuration begin with its name and the place, and need no other introduction.
  init(_ errors: ConfigurationErrors) {
    message = errors.description
    status = .usage
  }

  init(_ failure: ServiceFailure) {
    if let errors = failure.errors {
      self.init(errors)
    } else {
      self.init(failure.description)
    }
  }
}
