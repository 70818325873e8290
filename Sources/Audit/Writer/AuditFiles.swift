internal import CLinux

/// The few file operations that take a name, without raw pointers. Results are a descriptor (or 0), or -errno.
package enum AuditFiles {
  static func openDirectory(_ path: String, create: Bool) -> Int32 {
    unsafe linux_directory_open(path, create ? 1 : 0)
  }

  static func create(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_create(directory, name)
  }

  static func openForWriting(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_open_for_writing(directory, name)
  }

  static func openDirect(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_open_direct(directory, name)
  }

  /// `directory` does not matter when the name is an absolute path; -1 makes relative names count from the working
  /// directory.
  static func openForReading(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_open_for_reading(directory < 0 ? linux_working_directory : directory, name)
  }

  static func remove(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_remove(directory, name)
  }

  static func lock(_ directory: Int32, _ name: String) -> Int32 {
    unsafe linux_file_lock(directory, name)
  }

  /// Numbers of the first and last segment in the directory at `path`, or a positive errno.
  package static func segments(at path: String) -> Result<ClosedRange<UInt32>?, AuditError> {
    let directory = openDirectory(path, create: false)
    guard directory >= 0 else {
      return .failure(.cannotOpenDirectory(path: path, code: -directory))
    }
    defer { _ = linux_file_close(directory) }
    let found = segments(directory)
    guard found.count >= 0 else {
      return .failure(.cannotOpenDirectory(path: path, code: -found.count))
    }
    return .success(found.count == 0 ? nil : found.lowest...found.highest)
  }

  /// Numbers of the first and last segment in a directory, and how many there are (or -errno).
  static func segments(_ directory: Int32) -> (count: Int32, lowest: UInt32, highest: UInt32) {
    var lowest: UInt32 = 0
    var highest: UInt32 = 0
    let count = unsafe linux_segment_list(directory, &lowest, &highest)
    return (count, lowest, highest)
  }
}
