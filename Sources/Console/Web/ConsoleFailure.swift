internal import Approvals
internal import Hummingbird

/// Why a request is not answered with what it asked for, for a page and for a program alike (RFC 9457).
struct ConsoleFailure: Error, Equatable {
  var status: HTTPResponse.Status
  /// Names the kind: the end of the problem's type, `urn:sluice:problem:<kind>`.
  var kind: String
  var title: String
  var detail: String
  /// Seconds after which trying again makes sense.
  var retryAfter: Int?
  /// For 405: the methods there are.
  var allowed: String?

  static let signIn = ConsoleFailure(
    status: .unauthorized, kind: "not-signed-in", title: "Not signed in",
    detail: "Sign in, or send a bearer token of a program that the configuration names.")

  static let notFound = ConsoleFailure(
    status: .notFound, kind: "not-found", title: "Not found",
    detail: "There is nothing here, or nothing that you may see.")

  static func forbidden(_ detail: String) -> ConsoleFailure {
    ConsoleFailure(status: .forbidden, kind: "forbidden", title: "Not allowed", detail: detail)
  }

  static let forged = ConsoleFailure(
    status: .forbidden, kind: "forged", title: "Request not accepted",
    detail: "This request does not come from a page of the console. Go back, reload, and try again."
  )

  static func method(allowed: String) -> ConsoleFailure {
    var failure = ConsoleFailure(
      status: .methodNotAllowed, kind: "method", title: "Not that way",
      detail: "This address answers to \(allowed).")
    failure.allowed = allowed
    return failure
  }

  static func invalid(_ detail: String) -> ConsoleFailure {
    ConsoleFailure(
      status: .unprocessableContent, kind: "invalid", title: "Something is missing or wrong",
      detail: detail)
  }

  static func unavailable(_ detail: String) -> ConsoleFailure {
    ConsoleFailure(
      status: .serviceUnavailable, kind: "unavailable", title: "Not available", detail: detail,
      retryAfter: 5)
  }

  /// What the framework refused, in the console's words.
  init(_ error: HTTPError) {
    switch error.status {
    case .notFound: self = .notFound
    case .contentTooLarge:
      self.init(
        status: .contentTooLarge, kind: "too-large", title: "Too large",
        detail: "The request is larger than the console takes.")
    default:
      self.init(
        status: error.status, kind: "request", title: error.status.reasonPhrase,
        detail: "The request cannot be answered.")
    }
  }

  init(
    status: HTTPResponse.Status, kind: String, title: String, detail: String, retryAfter: Int? = nil
  ) {
    self.status = status
    self.kind = kind
    self.title = title
    self.detail = detail
    self.retryAfter = retryAfter
  }

  /// Why a decision was not taken.
  init(_ error: ApprovalError) {
    switch error {
    case .notFound: self = .notFound
    case .notAReviewer:
      self.init(
        status: .forbidden, kind: "not-a-reviewer", title: "Not decided",
        detail: "None of your groups may decide this approval.")
    case .selfApproval:
      self.init(
        status: .forbidden, kind: "self-approval", title: "Not decided",
        detail: "The call was made in your name. Somebody else must decide it.")
    case .alreadyDecidedByYou:
      self.init(
        status: .conflict, kind: "already-decided", title: "Not decided again",
        detail: "You have decided this already. The quorum counts people.")
    case .notPending(let state):
      self.init(
        status: .conflict, kind: "not-pending", title: "Not decided",
        detail: ConsoleFailure.sentence(about: state))
    case .store(let reason):
      self.init(
        status: .serviceUnavailable, kind: "store", title: "Nothing was decided",
        detail: "The approvals' store failed: \(reason)", retryAfter: 5)
    }
  }

  private static func sentence(about state: ApprovalState) -> String {
    switch state {
    case .pending: "It is being decided at this moment. Look again."
    case .approved: "It is approved already."
    case .denied: "It was denied already."
    case .expired: "It expired before anybody decided. The agent has to call again."
    case .consumed: "It was approved, and the call has been made."
    case .cancelled: "The agent gave up, or the policy changed, before anybody decided."
    }
  }
}
