import CLinux

/// Notices that files have changed, by looking at them every so often.
///
/// Looking is what works everywhere: with editors that write a new file and rename it, with Kubernetes, which swaps a
/// symbolic link that the path leads through, with network file systems that tell nobody. A change counts once a
/// second look finds it as the first did: nobody reads a file that is still being written.
actor FileWatch {
  static let interval = Duration.milliseconds(500)

  /// What tells one state of a file from another; nil for a file that is not there.
  struct Stamp: Equatable, Sendable {
    private var numbers: [Int64]

    /// Follows symbolic links.
    init?(_ path: String) {
      var stamp = linux_file_stamp()
      guard unsafe linux_file_stamp_read(path, &stamp) == 0 else { return nil }
      numbers = [
        Int64(bitPattern: stamp.device), Int64(bitPattern: stamp.inode), stamp.size,
        stamp.modified_seconds, stamp.modified_nanoseconds, stamp.changed_seconds,
        stamp.changed_nanoseconds,
      ]
    }
  }

  private var paths: [String]
  /// How the files were when they were last acted upon.
  private var settled: [String: Stamp?]
  private var previous: [String: Stamp?]

  init(_ paths: [String]) {
    self.paths = paths
    settled = Self.stamps(paths)
    previous = settled
  }

  /// Watches other files from now on. One that is new to it counts as changed, because it may have been since it was
  /// read.
  func watch(_ paths: [String]) {
    self.paths = paths
    settled = settled.filter { paths.contains($0.key) }
  }

  /// The first file that has changed and come to rest since; what it returns counts as acted upon.
  func changed() -> String? {
    let now = Self.stamps(paths)
    defer { previous = now }
    guard now != settled, now == previous else { return nil }
    defer { settled = now }
    return paths.first { settled[$0] != now[$0] }
  }

  private static func stamps(_ paths: [String]) -> [String: Stamp?] {
    var stamps: [String: Stamp?] = [:]
    for path in paths { stamps[path] = .some(Stamp(path)) }
    return stamps
  }
}
