internal import Policy
internal import Wire

/// A call that waits in this worker for a human's approval. Its bytes are in its exchange's `request`.
struct HeldRequest: ~Copyable {
  /// Taken out when the call gets its permit.
  var hold: Hold?
  /// The rule that asks.
  let rule: RuleID
  let exchange: UInt32
  /// Tells it from every other call that has waited in this slot.
  let serial: UInt64
  let digest: CallDigest
  /// Which of the modern client's repetitions this is, from 1.
  let leg: UInt8
  /// It asks for a task: whoever sent it expects that or an error, and no tool's result.
  let expectsTask: Bool
  /// When it began to wait, in nanoseconds of the loop's clock.
  let since: UInt64
  /// When its agent is told to come back.
  let until: UInt64
  /// When a comment has to keep its connection alive; `.max` for never.
  var commentAt: UInt64
  /// The id of its approval, once the control plane has told it.
  var approval = ApprovalName()

  init(
    hold: consuming Hold, exchange: UInt32, serial: UInt64, digest: CallDigest, leg: UInt8,
    expectsTask: Bool, since: UInt64, until: UInt64, commentAt: UInt64
  ) {
    rule = hold.rule
    self.hold = consume hold
    self.exchange = exchange
    self.serial = serial
    self.digest = digest
    self.leg = leg
    self.expectsTask = expectsTask
    self.since = since
    self.until = until
    self.commentAt = commentAt
  }
}

/// The id of an approval, kept in place: "apr_" and 26 characters.
@safe
struct ApprovalName: BitwiseCopyable {
  private var bytes = InlineArray<40, UInt8>(repeating: 0)
  private var count: UInt8 = 0

  init() {}

  /// Keeps a copy; a longer text than any id is none.
  init(_ text: RawSpan) {
    guard text.byteCount <= 40 else { return }
    for offset in 0..<text.byteCount {
      bytes[offset] = unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
    count = UInt8(text.byteCount)
  }

  var span: RawSpan {
    @_lifetime(borrow self)
    get {
      let all = unsafe bytes.span.bytes
      return unsafe _overrideLifetime(all.extracting(first: Int(count)), borrowing: self)
    }
  }
}

/// What is known of a call's approval when it ends to be held. Empty when it was not held.
struct HeldFacts: ~Escapable {
  var approval: RawSpan
  /// One name a line.
  var reviewers: RawSpan
  var reason: RawSpan
  var heldNanoseconds: UInt64 = 0

  @_lifetime(immortal)
  init() {
    approval = RawSpan()
    reviewers = RawSpan()
    reason = RawSpan()
  }

  /// Of a call that has waited until now, in nanoseconds of the loop's clock.
  @_lifetime(copy approval)
  init(_ approval: RawSpan, since: UInt64, now: UInt64) {
    self.init()
    self.approval = approval
    heldNanoseconds = now &- since
  }
}
