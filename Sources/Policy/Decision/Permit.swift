/// The proof that the policy let one call through. Only `PolicyProgram.decide` makes one (or, for a call that a human had to
/// approve, `PolicyProgram.permit(for:digest:grant:)`), it cannot be copied, and sending the call upstream consumes it: a call that nobody judged, or a second one on the same
/// judgement, does not compile.
public struct Permit: ~Copyable, Sendable {
  let call: PermittedCall

  internal init(call: PermittedCall) {
    self.call = call
  }

  /// Spends the permit and says what was permitted.
  public consuming func redeem() -> PermittedCall {
    call
  }

  /// What was permitted, for the record that has to exist before the permit is spent.
  public var permitted: PermittedCall { call }
}

/// What a permit allowed, for the upstream send, the masker and the record.
///
/// Its initialiser is the synthesised one, which nobody outside this module can call.
public struct PermittedCall: BitwiseCopyable, Sendable {
  /// The server the call may go to.
  public let server: ServerID
  /// `Principal.index` of the caller.
  public let principal: UInt32
  public let method: CallMethod
  /// The rule with effect `allow` or `require_approval` that decided; nil when no rule did, and the profile's word stood.
  public let rule: RuleID?
  /// The first profile that allows the call.
  public let profile: ProfileID
  /// The mask rules that apply to everything that comes back for this call.
  public let masks: MaskRuleSet
}

/// What the policy says about one call.
public enum Verdict: ~Copyable, Sendable {
  case allow(Permit)
  /// A human has to approve it first.
  case hold(Hold)
  case block(Refusal)
}
