/// A value of the record that has a name, which is the same wherever it is written or read as text: by the commands, in events, in
/// metrics and in the API.
///
///     RecordedResult.toolError.text  ->  "tool_error"          RecordedResult(text: "tool_error")  ->  .toolError
public protocol RecordedWord: CaseIterable, Sendable {
  var text: String { get }
}

extension RecordedWord {
  /// Nil for what is no name of one.
  public init?(text: String) {
    guard let value = Self.allCases.first(where: { $0.text == text }) else { return nil }
    self = value
  }
}

extension RecordedDecision: RecordedWord {
  public var text: String {
    switch self {
    case .allow: "allow"
    case .block: "block"
    case .unauthenticated: "unauthenticated"
    case .malformed: "malformed"
    case .unavailable: "unavailable"
    case .hold: "hold"
    }
  }
}

extension RecordedResult: RecordedWord {
  public var text: String {
    switch self {
    case .success: "success"
    case .toolError: "tool_error"
    case .protocolError: "protocol_error"
    case .httpError: "http_error"
    case .transportError: "transport_error"
    case .refused: "refused"
    case .cancelled: "cancelled"
    }
  }
}

extension RecordedSide: RecordedWord {
  /// A dash for none.
  public var text: String {
    switch self {
    case .none: "-"
    case .agent: "agent"
    case .gateway: "gateway"
    case .server: "server"
    }
  }
}

extension RecordedReason: RecordedWord {
  /// Empty for none.
  public var text: String {
    switch self {
    case .none: ""
    case .certificateExpired: "certificate_expired"
    case .certificateNotYetValid: "certificate_not_yet_valid"
    case .certificateWrongName: "certificate_wrong_name"
    case .certificateUnknownAuthority: "certificate_unknown_authority"
    case .certificateUnsuitable: "certificate_unsuitable"
    case .certificateMissing: "certificate_missing"
    case .tlsVersion: "tls_version"
    case .tlsParameters: "tls_parameters"
    case .tlsRefusedByPeer: "tls_refused_by_peer"
    case .notTLS: "not_tls"
    case .tlsBroken: "tls_broken"
    case .tlsCutOff: "tls_cut_off"
    }
  }
}
