import CScan
import Testing

@testable import Wire

/// The kernels this machine can run.
let runnableKernels: [Int32] = (0..<Int32(sluice_scan_kernel_count)).filter {
  sluice_scan_kernel_runs($0) != 0
}

/// SplitMix64: the tests' random numbers, the same on every run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

/// Reads a whole document, from memory that ends exactly where the document does.
func readJSON(
  _ document: [UInt8], limits: JSONLimits = JSONLimits(root: .anyValue), kernel: Int32? = nil
) -> JSONViolation? {
  var index = JSONIndex(limits: limits, kernel: kernel ?? sluice_scan_best_kernel())
  return unsafe index.read(document.span.bytes, watch: .none)
}

func readJSON(_ document: String, limits: JSONLimits = JSONLimits(root: .anyValue))
  -> JSONViolation?
{
  readJSON(Array(document.utf8), limits: limits)
}

/// Reads a document in pieces that end at `cuts`.
func readJSON(
  _ document: [UInt8], cuts: [Int], limits: JSONLimits = JSONLimits(root: .anyValue), kernel: Int32
) -> JSONViolation? {
  var index = JSONIndex(limits: limits, kernel: kernel)
  return readJSON(document, cuts: cuts, index: &index)
}

func readJSON(_ document: [UInt8], cuts: [Int], index: inout JSONIndex) -> JSONViolation? {
  index.begin()
  for cut in cuts {
    // A copy each time: the buffer may move, and nothing past the cut may be looked at.
    let piece = Array(document[..<cut])
    switch unsafe index.advance(piece.span.bytes, isFinal: false, watch: .none) {
    case .violation(let violation): return violation
    case .more: continue
    case .complete: preconditionFailure("complete before the end")
    }
  }
  switch unsafe index.advance(document.span.bytes, isFinal: true, watch: .none) {
  case .violation(let violation): return violation
  case .complete: return nil
  case .more: preconditionFailure("not complete at the end")
  }
}

/// The document as a tree, through the index's cursors only.
func tree(_ index: borrowing JSONIndex, _ token: JSONToken, in bytes: RawSpan) -> ReferenceValue {
  switch index.kind(of: token, in: bytes) {
  case .object:
    var members: [(key: [UInt8], value: ReferenceValue)] = []
    var key = index.firstMember(of: token, in: bytes)
    while let here = key {
      members.append(
        (text(index, here, in: bytes), tree(index, index.value(ofKey: here), in: bytes)))
      key = index.nextMember(after: here, in: bytes)
    }
    return .object(members)
  case .array:
    var elements: [ReferenceValue] = []
    var element = index.firstElement(of: token, in: bytes)
    while let here = element {
      elements.append(tree(index, here, in: bytes))
      element = index.nextElement(after: here, in: bytes)
    }
    return .array(elements)
  case .string: return .string(text(index, token, in: bytes))
  case .number: return .number(copy(bytes, index.range(of: token)))
  case .true: return .literal("true")
  case .false: return .literal("false")
  case .null: return .literal("null")
  }
}

func text(_ index: borrowing JSONIndex, _ token: JSONToken, in bytes: RawSpan) -> [UInt8] {
  written(atMost: Int(index.contents(of: token).count)) {
    index.decode(token, in: bytes, into: &$0)
  }
}

func copy(_ bytes: RawSpan, _ range: ByteRange) -> [UInt8] {
  range.range.map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

/// What `body` writes, or fewer bytes than it meant to when they do not fit.
func written(atMost capacity: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
  let memory = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 1)
  defer { unsafe memory.deallocate() }
  var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
  body(&writer)
  precondition(!writer.overflowed, "does not fit")
  return copy(writer.written, ByteRange(0..<writer.count))
}

/// `#expect` for expressions over noncopyable values and spans, which the macro cannot take apart.
func check(
  _ condition: Bool, _ comment: @autoclosure () -> Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(condition, comment(), sourceLocation: sourceLocation)
}
