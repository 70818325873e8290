internal import EventLoop
internal import Identity
internal import Wire

/// Phase authenticate: from the credential to a principal, before a byte of the body is looked at.
extension Worker {
  mutating func authenticate(
    _ exchange: UInt32, _ head: RequestHead, _ bytes: RawSpan
  ) -> LocalRefusal? {
    let value = bytes.extracting(head.authorization.range)
    // An empty Authorization field is a broken credential, not the lack of one.
    if head.has(.authorization) && value.byteCount == 0 { return .credentialMalformed }
    let result = generations[exchanges[exchange].generation].identity.use { identity in
      authenticator.authenticate(authorization: value, snapshot: identity)
    }
    switch result {
    case .principal(let index):
      exchanges[exchange].principal = index
      return nil
    case .missing: return .credentialMissing
    case .malformed: return .credentialMalformed
    case .unknown: return .credentialUnknown
    }
  }
}
