internal import CScan

/// One field of a head.
public struct HTTPField: BitwiseCopyable, Sendable {
  /// The name as it came; never empty, token characters only.
  public var name: ByteRange
  /// The value without the white space around it; may be empty.
  public var value: ByteRange
  /// Which name it is.
  public var known: HTTPFieldName
}

/// The fields of the head that was read last, and the scanning kernel's scratch: one per worker, reused for
/// every head. Ranges count from the start of the head they were read from.
@safe
public struct FieldTable: ~Copyable {
  private let fields: UnsafeMutableBufferPointer<HTTPField>
  let marks: UnsafeMutableBufferPointer<cscan_http_marks>
  /// Number of fields.
  public internal(set) var count = 0

  public init(limits: HTTPLimits) {
    precondition(limits.fieldCountMax > 0 && limits.headBytesMax >= 64)
    unsafe fields = .allocate(capacity: limits.fieldCountMax)
    unsafe marks = .allocate(capacity: limits.headBytesMax / 64 + 1)
    unsafe marks.initialize(repeating: cscan_http_marks(line_feeds: 0, colons: 0, high: 0))
  }

  deinit {
    unsafe fields.deallocate()
    unsafe marks.deallocate()
  }

  /// The field at `index`, which is below `count`, in the order of arrival.
  public subscript(_ index: Int) -> HTTPField {
    precondition(index >= 0 && index < count)
    return unsafe fields[index]
  }

  /// Room for this many fields.
  var capacity: Int { unsafe fields.count }

  @inline(__always)
  mutating func append(_ field: HTTPField) {
    assert(count < capacity)
    unsafe (fields.baseAddress! + count).initialize(to: field)
    count &+= 1
  }
}

/// Where the values of the fields with a meaning are. A field that appeared several times keeps its last value and is in
/// `repeated`; those that may appear once never get that far.
struct KnownFields: BitwiseCopyable, Sendable {
  var values: InlineArray<20, ByteRange> = .init(repeating: .empty)
  /// Which names appeared, as a set of `HTTPFieldName.bit`.
  var present: UInt32 = 0
  /// Which names appeared more than once.
  var repeated: UInt32 = 0

  @inline(__always)
  subscript(_ name: HTTPFieldName) -> ByteRange { values[Int(name.rawValue)] }

  @inline(__always)
  func contains(_ name: HTTPFieldName) -> Bool { present & name.bit != 0 }
}
