internal import PlainJSON

/// Where and how every call is recorded.
public struct AuditConfiguration: Equatable, Sendable {
  /// When a record counts as safe.
  public enum Durability: String, CaseIterable, Sendable {
    /// Written and synced to the disk every `intervalMilliseconds`.
    case interval
    /// An answer leaves only once its record is on the disk.
    case synced
  }

  /// What happens to a call that cannot be recorded.
  public enum FailureChoice: String, CaseIterable, Sendable {
    /// It is refused.
    case failClosed = "fail_closed"
    /// It goes ahead, and how many did is recorded later.
    case dropAndCount = "drop_and_count"
  }

  /// How much of a call is recorded.
  public enum Contents: String, CaseIterable, Sendable {
    /// Everything: who, what, decision, outcome, the request and the answer as the agent saw it.
    case full
    /// All but the bodies: what an access log holds, chained and verifiable all the same.
    case facts
  }

  /// Absolute, or relative to the process's working directory when the configuration's own path is.
  public var directory = ""
  public var contents = Contents.full
  public var durability = Durability.interval
  /// How often records are written and synced with `Durability.interval`. 1 to 60,000.
  public var intervalMilliseconds = 50
  public var onFailure = FailureChoice.failClosed
  /// A segment file that has reached this size is followed by a new one. 64 KiB to 64 GiB.
  public var segmentBytesMax = 256 << 20
  /// Each worker's buffer for records that are not written yet. A power of two, 64 KiB to 1 GiB.
  public var ringBytes = 8 << 20
  public var retention = RetentionConfiguration()

  public init() {}
}

extension AuditConfiguration: SchemaObject {
  static var keys: KeyTable<AuditConfiguration> {
    KeyTable(
      keys: [
        .required(
          "directory", \.directory, .text(bytesMax: 1024, expected: "a folder"),
          "the folder of the record; a relative path starts at this file's folder"),
        .optional(
          "contents", \.contents, .word(),
          "full records requests and answers (masked); facts leaves the bodies out, which cannot be replayed"
        ),
        .optional(
          "durability", \.durability, .word(),
          "interval syncs to the disk every so often; synced lets an answer leave only once its record is on the disk"
        ),
        .optional(
          "interval", \.intervalMilliseconds, .duration(1...60_000),
          "how often the record is synced with durability: interval: the most a crash of the machine can lose"
        ),
        .optional(
          "on_failure", \.onFailure, .word(),
          "when a call cannot be recorded: fail_closed refuses it, drop_and_count lets it through and counts it"
        ),
        .optional(
          "segment_size", \.segmentBytesMax, .size(65536...64 << 30),
          "size at which a new segment file begins"),
        .optional(
          "ring_size", \.ringBytes, .powerOfTwo(.size(65536...1 << 30)),
          "each worker's buffer for records not yet written; a power of two (flag --audit-ring-size)"
        ),
        .optional(
          "retention", \.retention, .object,
          "when old segment files are removed; they all stay when left out"),
      ],
      later: [
        ("sinks", "\"sinks\" stands beside \"audit\", at the top of the file"),
        ("encryption", "put the directory on an encrypted disk"),
        ("raw", "the record holds what the agent saw, masked"),
      ],
      tells: { key, members in
        guard key == "interval",
          case .scalar(let durability)? = members.first(where: { $0.key == "durability" })?.value
            .content
        else { return true }
        return durability.text != Durability.synced.rawValue
      },
      finish: { audit, node, reading in
        audit.directory = reading.secrets.absolute(audit.directory)
        if audit.durability == .synced, node.has("interval") {
          reading.report(
            at: "\(reading.path).interval",
            "has no effect with durability: synced; leave one of them out")
        }
      })
  }
}

/// When old segment files are removed: whole ones, the oldest first.
public struct RetentionConfiguration: Equatable, Sendable {
  public enum Unread: String, CaseIterable, Sendable { case keep, delete }

  /// 1 to 36,500; nil keeps them.
  public var days: Int?
  /// 1 MiB and more; nil for no bound.
  public var bytesMax: Int?
  public var unread = Unread.keep

  public init() {}
}

extension RetentionConfiguration: SchemaObject {
  static var keys: KeyTable<RetentionConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "days", \.days, Shape<Int>.integer(1...36_500).optional,
          "segments whose last record is older are removed"),
        .optional(
          "size", \.bytesMax, Shape<Int>.size(1 << 20...1 << 50).optional,
          "the oldest segments are removed while all together are larger"),
        .optional(
          "unread", \.unread, .word(),
          "segments that a sink has not delivered: keep lets the record grow meanwhile, delete gives them up"
        ),
      ])
  }
}

extension Shape where Value == Int {
  /// A size or number that must be a power of two.
  static func powerOfTwo(_ shape: Shape<Int>) -> Shape<Int> {
    var result: Shape<Int> = shape.map { value, node, reading in
      guard value.nonzeroBitCount == 1 else {
        let below = 1 << (Int.bitWidth - 1 - value.leadingZeroBitCount)
        let texts = [below, below << 1].compactMap(shape.show).map(\.json)
        let choices = texts.joined(separator: " or ").replacing("\"", with: "")
        reading.report(node.origin, "not a power of two; the nearest are \(choices)")
        return nil
      }
      return value
    }
    result.show = shape.show
    return result
  }
}
