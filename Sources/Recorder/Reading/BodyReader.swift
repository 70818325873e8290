internal import Audit

/// Reads the bodies of one call again, a piece at a time: in the memory of one frame of the record, however long they are.
struct BodyReader {
  static let pieceBytesMax = 64 << 10

  let directory: String
  let record: RecordID
  /// The segment to begin with.
  let first: UInt32

  /// Gives the pieces of a body to `take`, in their order.
  /// - Parameter count: how long the body was when it was measured: what has come since is left out.
  /// - Throws: when less of it is there by now.
  func read(
    _ part: BodyPart, count: Int, _ take: ([UInt8]) -> Void
  ) throws(RecorderError) {
    guard count > 0 else { return }
    var reader = RecordReader(
      directory: directory, first: first, bodyBytesMax: 0, selection: .record(record))
    var left = count
    while left > 0 {
      let step = try reader.next { entry in
        guard entry.record == record else { return }
        Self.pieces(of: part, in: entry) { piece, _ in
          guard left > 0 else { return }
          take(piece.count <= left ? piece : Array(piece.prefix(left)))
          left -= min(left, piece.count)
        }
      }
      if case .end = step { throw .changed(record.description) }
    }
  }

  /// An entry's share of a body, in pieces, with the place of each where the entry tells it.
  static func pieces(
    of part: BodyPart, in entry: borrowing RecordedEntry, _ take: ([UInt8], _ offset: Int?) -> Void
  ) {
    guard let range = entry.body(part) else { return }
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + pieceBytesMax, range.upperBound)
      take(
        entry.data(at: start, count: end - start),
        entry.bodyOffset.map { $0 + start - range.lowerBound })
      start = end
    }
  }
}
