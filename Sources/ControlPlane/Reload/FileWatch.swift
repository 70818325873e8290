import SluiceConfiguration

/// Notices that files have changed, by looking at them every so often.
///
/// Looking is what works everywhere: with editors that write a new file and rename it, with Kubernetes, which swaps a
/// symbolic link that the path leads through, with network file systems that tell nobody. A change counts once a
/// second look finds it as the first did: nobody reads a file that is still being written.
actor FileWatch {
  static let interval = Duration.milliseconds(500)

  private var paths: [String]
  /// How the files were when they were last acted upon.
  private var settled: [String: FileStamp?]
  private var previous: [String: FileStamp?]

  /// - Parameter settled: how the files were just before they were read, so that a change made since then is noticed.
  init(_ paths: [String], settled: [String: FileStamp?]) {
    self.paths = paths
    self.settled = settled
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

  static func stamps(_ paths: [String]) -> [String: FileStamp?] {
    var stamps: [String: FileStamp?] = [:]
    for path in paths { stamps[path] = .some(FileStamp(path)) }
    return stamps
  }
}
