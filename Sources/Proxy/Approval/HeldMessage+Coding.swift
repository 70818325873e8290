internal import Policy
internal import Wire

// The messages as bytes. What a worker writes, the control plane reads into values of its own; what the control plane writes,
// the worker reads in place.

/// The first number of a message to the control plane.
enum HeldMessageKind {
  static let held: UInt64 = 1
  static let left: UInt64 = 2
  static let cancelled: UInt64 = 3
}

extension HeldMessage {
  init(_ bytes: RawSpan, worker: Int) {
    var reader = MessageReader(bytes)
    switch reader.number() {
    case HeldMessageKind.held: self = .held(HeldCall(&reader, worker: worker))
    case HeldMessageKind.left: self = .left(HeldTicket(&reader, worker: worker))
    default: self = .cancelled(HeldRequestID(&reader))
    }
  }
}

extension HeldTicket {
  fileprivate init(_ reader: inout MessageReader, worker: Int) {
    self.worker = worker
    slot = UInt32(truncatingIfNeeded: reader.number())
    serial = reader.number()
  }
}

extension HeldRequestID {
  fileprivate init(_ reader: inout MessageReader) {
    principal = reader.text()
    server = reader.text()
    session = reader.text()
    id = reader.text()
  }
}

extension HeldCall {
  fileprivate init(_ reader: inout MessageReader, worker: Int) {
    ticket = HeldTicket(&reader, worker: worker)
    digest = CallDigest(&reader)
    policyRevision = reader.number()
    quorum = Int(reader.number())
    expiresMilliseconds = reader.number()
    let request = HeldRequestID(&reader)
    principal = request.principal
    server = request.server
    self.request = request.session.isEmpty ? nil : request
    let person = reader.field()
    self.person = person.byteCount == 0 ? nil : Self.hexadecimal(person)
    groups = reader.text().split(separator: "\n").map(String.init)
    tool = reader.text()
    arguments = reader.text()
    rule = reader.text()
    message = reader.text()
    reference = reader.text()
    reviewers = reader.text().split(separator: "\n").map(String.init)
  }

  private static func hexadecimal(_ bytes: RawSpan) -> String {
    var text = ""
    for offset in 0..<bytes.byteCount {
      let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
  }
}

extension CallDigest {
  init(_ reader: inout MessageReader) {
    self.init(words: (reader.number(), reader.number(), reader.number(), reader.number()))
  }

  func write(into out: inout ByteWriter) {
    out.append(number: words.0)
    out.append(number: words.1)
    out.append(number: words.2)
    out.append(number: words.3)
  }
}

/// What a worker reads of an answer.
struct HeldAnswerView: ~Escapable {
  enum Kind: UInt64 {
    case waiting = 1
    case granted, denied, over
  }

  let kind: Kind
  let slot: UInt32
  let serial: UInt64
  let digest: CallDigest
  let end: HeldEnd
  let approval: RawSpan
  /// One name a line.
  let reviewers: RawSpan
  let reason: RawSpan

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) {
    var reader = MessageReader(bytes)
    guard let kind = Kind(rawValue: reader.number()) else {
      preconditionFailure("an answer of no kind")
    }
    self.kind = kind
    slot = UInt32(truncatingIfNeeded: reader.number())
    serial = reader.number()
    digest = CallDigest(&reader)
    end = HeldEnd(rawValue: UInt8(truncatingIfNeeded: reader.number())) ?? .storeFailed
    approval = reader.field()
    reviewers = reader.field()
    reason = reader.field()
  }
}

extension HeldAnswer {
  func write(_ ticket: HeldTicket, into out: inout ByteWriter) {
    var digest = CallDigest()
    var end = HeldEnd.storeFailed
    var names: [String] = []
    var words = ""
    let kind: HeldAnswerView.Kind
    let id: String
    switch self {
    case .waiting(let approval): (kind, id) = (.waiting, approval)
    case .granted(let approval, let granted, let reviewers, let reason):
      (kind, id, digest, names, words) = (.granted, approval, granted, reviewers, reason)
    case .denied(let approval, let reviewers, let reason):
      (kind, id, names, words) = (.denied, approval, reviewers, reason)
    case .over(let why, let approval): (kind, id, end) = (.over, approval, why)
    }
    out.append(number: kind.rawValue)
    out.append(number: UInt64(ticket.slot))
    out.append(number: ticket.serial)
    digest.write(into: &out)
    out.append(number: UInt64(end.rawValue))
    out.append(field: id, most: HeldCalls.answerTextMax)
    out.append(field: names.joined(separator: "\n"), most: HeldCalls.answerTextMax)
    out.append(field: words, most: HeldCalls.answerTextMax)
  }
}
