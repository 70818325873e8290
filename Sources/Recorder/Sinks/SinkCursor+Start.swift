internal import Audit

extension SinkCursor {
  /// Where a sink begins that has no cursor.
  static func start(_ start: SinkSettings.Start, in directory: String) throws(SinkError)
    -> SinkCursor
  {
    let range = try segments(directory)
    var cursor = SinkCursor(
      segment: range?.lowerBound ?? 1, segmentHash: "", through: 0, process: 0, anchorEntry: nil,
      anchorHash: "", readSegment: range?.lowerBound ?? 1, readOffset: 0)
    guard start == .now, let range else { return cursor }
    cursor.segment = range.upperBound
    cursor.readSegment = range.upperBound
    // Everything that is in the newest segment by now came before.
    guard case .opened(var scanner) = SegmentScanner.open(directory, number: range.upperBound)
    else {
      return cursor
    }
    while case .frame = scanner.next() {}
    cursor.segmentHash = scanner.header?.hash.hexadecimal ?? ""
    cursor.readOffset = scanner.offset
    cursor.through = scanner.nextSequence * 2
    return cursor
  }

  /// The cursor as it fits to the record that is there now, and what is wrong where it does not.
  func fitted(to directory: String) throws(SinkError) -> (cursor: SinkCursor, problem: String?) {
    guard let range = try Self.segments(directory) else {
      return (
        try Self.start(.beginning, in: directory),
        through == 0 ? nil : "the record that was read before is gone; beginning with a new one"
      )
    }
    if segment < range.lowerBound {
      var cursor = self
      cursor.segment = range.lowerBound
      cursor.segmentHash = ""
      cursor.anchorEntry = nil
      let isLost = segmentHash.isEmpty ? false : true
      return (
        cursor,
        isLost
          ? "segments \(segment) to \(range.lowerBound - 1) were removed; calls in them that were not delivered are lost to "
            + "this sink" : nil
      )
    }
    let hash = segmentHeader(directory, segment)?.hash.hexadecimal
    if segment > range.upperBound || (!segmentHash.isEmpty && hash != segmentHash) {
      return (
        try Self.start(.beginning, in: directory),
        "the record is not the one that was read before; sending all of it"
      )
    }
    return (self, nil)
  }

  private static func segments(_ directory: String) throws(SinkError) -> ClosedRange<UInt32>? {
    do {
      return try segmentRange(directory)
    } catch {
      throw SinkError("\(error)")
    }
  }
}
