/// Names one call for ever: in the record, in the answer's "Ref", on the command line.
///
/// 64 bits, most significant first: milliseconds since 2026-01-01 UTC (41 bits), worker (10 bits), count within
/// that millisecond (13 bits). Ids of one worker only grow, also over restarts and when the clock is set back,
/// because a new process starts above the highest id it finds in the files; ids of two workers differ in the worker
/// bits. Being ordered by time, an id also says in which segment to look.
///
/// Text: 13 Crockford base-32 digits in lower case, no `i l o u`. 2026-03-01 00:00:00.001 on worker 3, first call:
/// 5 097 600 001 ms << 23 | 3 << 13 = `015zbk8080r00`.
public struct RecordID: BitwiseCopyable, Hashable, Comparable, Sendable, CustomStringConvertible {
  public var value: UInt64

  @inlinable
  public init(value: UInt64) { self.value = value }

  /// Number of workers an id can tell apart.
  public static let workersMax = 1024

  /// Length of the text in bytes.
  public static let textBytes = 13

  /// 2026-01-01 00:00:00 UTC in milliseconds since 1970.
  static let epochMilliseconds: UInt64 = 1_767_225_600_000
  static let timeShift: UInt64 = 23
  static let workerShift: UInt64 = 13

  /// The first id of a worker in a millisecond (counted since the epoch above).
  init(milliseconds: UInt64, worker: Int) {
    value = milliseconds << Self.timeShift | UInt64(worker) << Self.workerShift
  }

  /// The id after this one on the same worker: the count carries over the worker bits into the time.
  func next(worker: Int) -> RecordID {
    let countMask: UInt64 = 1 << Self.workerShift - 1
    if value & countMask != countMask { return RecordID(value: value &+ 1) }
    let milliseconds = (value >> Self.timeShift) &+ 1
    return RecordID(milliseconds: milliseconds, worker: worker)
  }

  /// When the id was made, in milliseconds since 1970.
  public var millisecondsSince1970: UInt64 { value >> Self.timeShift &+ Self.epochMilliseconds }

  public static func < (left: RecordID, right: RecordID) -> Bool { left.value < right.value }

  /// The text, without allocating.
  public var text: InlineArray<13, UInt8> {
    var digits = InlineArray<13, UInt8>(repeating: 0)
    var rest = value
    for place in stride(from: 12, through: 0, by: -1) {
      digits[place] = Self.digit(UInt8(truncatingIfNeeded: rest & 31))
      rest >>= 5
    }
    return digits
  }

  public var description: String {
    let digits = text
    var string = ""
    for place in 0..<13 { string.unicodeScalars.append(Unicode.Scalar(digits[place])) }
    return string
  }

  /// Reads the text form, in either case; nil for anything that is not one.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == Self.textBytes else { return nil }
    var value: UInt64 = 0
    for (place, byte) in text.utf8.enumerated() {
      guard let digit = Self.value(of: byte), place > 0 || digit < 16 else { return nil }
      value = value << 5 | UInt64(digit)
    }
    self.value = value
  }

  /// Crockford's alphabet: the digits, then the letters without i, l, o and u.
  private static func digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<10: 0x30 &+ value
    case 10..<18: 0x61 &+ (value &- 10)  // a…h
    case 18..<20: 0x6a &+ (value &- 18)  // j k
    case 20..<22: 0x6d &+ (value &- 20)  // m n
    case 22..<27: 0x70 &+ (value &- 22)  // p…t
    default: 0x76 &+ (value &- 27)  // v…z
    }
  }

  /// The inverse; as Crockford says, `o` reads as 0 and `i`, `l` as 1, because people copy ids by hand.
  private static func value(of byte: UInt8) -> UInt8? {
    let lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    switch lower {
    case 0x30...0x39: return lower &- 0x30
    case 0x61...0x68: return lower &- 0x61 &+ 10
    case 0x69, 0x6c: return 1
    case 0x6a...0x6b: return lower &- 0x6a &+ 18
    case 0x6d...0x6e: return lower &- 0x6d &+ 20
    case 0x6f: return 0
    case 0x70...0x74: return lower &- 0x70 &+ 22
    case 0x76...0x7a: return lower &- 0x76 &+ 27
    default: return nil
    }
  }
}
