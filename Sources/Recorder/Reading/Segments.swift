internal import Audit

/// Numbers of the segments in a directory; nil when there are none.
func segmentRange(_ directory: String) throws(RecorderError) -> ClosedRange<UInt32>? {
  switch AuditFiles.segments(at: directory) {
  case .success(let range): return range
  case .failure(let error): throw .cannotOpenDirectory(error.description)
  }
}

/// An id carries its time, and so does a segment's header: reading begins with the last segment that
/// was created before the record (with a minute to spare for clocks that were set).
func firstSegment(
  _ directory: String, for record: RecordID, in range: ClosedRange<UInt32>
) -> UInt32 {
  let time = record.millisecondsSince1970 &* 1_000_000
  for number in range.reversed() {
    if let header = segmentHeader(directory, number),
      header.createdNanoseconds &+ 60_000_000_000 < time
    {
      return number
    }
  }
  return range.lowerBound
}

/// What a segment's header says; nil when there is none that could be read.
func segmentHeader(_ directory: String, _ number: UInt32) -> SegmentHeader? {
  guard case .opened(var scanner) = SegmentScanner.open(directory, number: number) else {
    return nil
  }
  return scanner.readHeaderAlone()
}

/// Bytes of a segment file; 0 when it is gone.
func segmentBytes(_ directory: String, _ number: UInt32) -> Int64 {
  guard case .opened(let scanner) = SegmentScanner.open(directory, number: number) else { return 0 }
  return max(0, scanner.fileBytes)
}
