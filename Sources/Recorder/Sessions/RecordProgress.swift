internal import Audit

/// How far a long reading has come.
public struct RecordProgress: Sendable, Equatable {
  public var bytesRead: Int64
  /// Bytes there were to read when the reading began.
  public var bytesInAll: Int64
}

/// Tells about progress every few megabytes.
struct ProgressMeter {
  private static let stepBytes: Int64 = 8 << 20

  private let tell: (@Sendable (RecordProgress) throws(RecorderError) -> Void)?
  private let directory: String
  private var progress = RecordProgress(bytesRead: 0, bytesInAll: 0)
  /// Bytes of the segments before the one that is read now.
  private var before: Int64 = 0
  private var segment: UInt32
  private var toldBytes: Int64 = 0

  init(
    directory: String, from segment: UInt32,
    _ tell: (@Sendable (RecordProgress) throws(RecorderError) -> Void)?
  ) {
    self.directory = directory
    self.segment = segment
    self.tell = tell
    guard tell != nil, let range = try? segmentRange(directory) else { return }
    for number in range where number >= segment {
      progress.bytesInAll += segmentBytes(directory, number)
    }
  }

  mutating func note(_ position: RecordPosition) throws(RecorderError) {
    guard let tell else { return }
    if position.segment != segment {
      for number in segment..<max(segment, position.segment) {
        before += segmentBytes(directory, number)
      }
      segment = position.segment
    }
    progress.bytesRead = before + position.offset
    guard progress.bytesRead - toldBytes >= Self.stepBytes else { return }
    toldBytes = progress.bytesRead
    try tell(progress)
  }
}
