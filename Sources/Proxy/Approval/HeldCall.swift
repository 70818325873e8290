public import Policy

/// Names one held call of one worker for as long as the process runs: never used for another.
public struct HeldTicket: Hashable, Sendable {
  let worker: Int
  let slot: UInt32
  let serial: UInt64
}

/// A call that waits in a worker for a human's approval, as the control plane sees it.
public struct HeldCall: Sendable, Equatable {
  public var ticket: HeldTicket
  /// SHA-256 over principal, person, server, tool, canonical arguments and policy revision.
  public var digest: CallDigest
  public var principal: String
  /// Who the principal is: SHA-256 over the issuer and subject of its token, in hexadecimal digits; nil for a service account
  /// (and for nobody in particular), which its name tells apart.
  public var person: String?
  /// Those of its groups that the policy mentions.
  public var groups: [String]
  public var server: String
  public var tool: String
  /// The arguments in canonical form (RFC 8785). When the call has more parameters that its server reads (a task, answers to
  /// the server's questions), all of them as one object. The digest covers exactly this.
  public var arguments: String
  public var rule: String
  /// What the rule tells reviewers.
  public var message: String
  public var policyRevision: UInt64
  /// The call's record.
  public var reference: String
  /// Groups whose members may decide.
  public var reviewers: [String]
  public var quorum: Int
  public var expiresMilliseconds: UInt64
  /// What a cancellation would name; nil when none can, because the call is of no session.
  public var request: HeldRequestID?
}

/// What names a request to whoever cancels it: the JSON-RPC id, literally, and the session it is of. Ids tell the requests of
/// one client apart, and nothing but a session tells clients apart.
public struct HeldRequestID: Hashable, Sendable {
  public var principal: String
  public var server: String
  public var session: String
  public var id: String
}

/// What workers tell the control plane.
public enum HeldMessage: Sendable, Equatable {
  /// A call waits from now on.
  case held(HeldCall)
  /// It waits no longer: answered, or its agent has gone.
  case left(HeldTicket)
  /// An agent cancels a request, which may wait in another worker.
  case cancelled(HeldRequestID)
}

/// What the control plane tells a worker about a held call.
public enum HeldAnswer: Sendable, Equatable {
  /// It was put before reviewers under this id, and waits.
  case waiting(approval: String)
  /// An approval was used up for it: it may run, once.
  case granted(approval: String, digest: CallDigest, reviewers: [String], reason: String)
  case denied(approval: String, reviewers: [String], reason: String)
  /// It waits in vain.
  case over(HeldEnd, approval: String)
}

/// Why a call waits no longer without having been decided.
public enum HeldEnd: UInt8, Sendable, CaseIterable {
  /// Nobody decided in time.
  case expired = 1
  /// The policy has changed.
  case policyChanged = 2
  /// The approval was used up by another call that is the same.
  case usedUp = 3
  /// Too many requests for approval wait already.
  case tooManyPending = 4
  /// Too many of this principal's do.
  case tooManyPendingOfPrincipal = 5
  /// The store failed.
  case storeFailed = 6
  /// The agent has cancelled it.
  case cancelled = 7
}

extension CallDigest {
  /// 64 hexadecimal digits, as any other tool writes a SHA-256.
  public var hexadecimal: String {
    var text = ""
    for word in [words.0, words.1, words.2, words.3] {
      let digits = String(word.bigEndian, radix: 16)
      text += String(repeating: "0", count: 16 - digits.count) + digits
    }
    return text
  }
}
