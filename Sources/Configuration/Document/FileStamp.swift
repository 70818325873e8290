import CLinux

/// What tells one state of a file from another.
public struct FileStamp: Equatable, Sendable {
  private var numbers: [Int64]

  /// How the file is now; nil when there is none. Follows symbolic links.
  public init?(_ path: String) {
    var stamp = linux_file_stamp()
    guard unsafe linux_file_stamp_read(path, &stamp) == 0 else { return nil }
    numbers = [
      Int64(bitPattern: stamp.device), Int64(bitPattern: stamp.inode), stamp.size,
      stamp.modified_seconds, stamp.modified_nanoseconds, stamp.changed_seconds,
      stamp.changed_nanoseconds,
    ]
  }
}
