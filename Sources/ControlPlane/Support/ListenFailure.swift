internal import Glibc
internal import NIOCore

/// Why something beside the workers cannot listen.
public enum ListenFailure {
  /// In the system's words where it is the system that refuses: "Address already in use".
  public static func text(of error: any Error) -> String {
    guard let error = error as? IOError, error.errnoCode != 0 else { return "\(error)" }
    return unsafe String(cString: strerror(error.errnoCode))
  }
}
